#pragma once
/// Identifies processes, and tells whether they still run.

#include <string>

namespace hre::store {

/// Identifies this process, unlike any other before or after it on this machine: boot, name space, id and start time.
std::string process_identity();

/// False only if the process has certainly ended; processes of other containers are assumed to be alive.
bool may_be_alive(const std::string& identity);

/// The process id, for messages.
std::string process_id(const std::string& identity);

}  // namespace hre::store
