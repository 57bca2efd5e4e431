#pragma once
/// Which process did something, and whether it still runs.

#include <string>

namespace hre::store {

/// This process, unlike any before or after it on this machine: boot, name space, id and time of start.
std::string process_identity();

/// False only where it certainly ended; processes of other containers are thought to live.
bool may_be_alive(const std::string& identity);

/// Its id, for messages.
std::string process_id(const std::string& identity);

}  // namespace hre::store
