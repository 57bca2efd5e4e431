#pragma once
/// Turns Arrow's messages into parts of hre's.

#include <string>

namespace arrow {
class Status;
}

namespace hre::data {

/// One line without a full stop; with the system's reason if Arrow has kept it.
std::string message_of(const arrow::Status& status);

/// The first line of a foreign message, shortened, without a full stop.
std::string first_line(std::string text);

}  // namespace hre::data
