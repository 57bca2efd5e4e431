#pragma once
/// Arrow's messages as parts of ours.

#include <string>

namespace arrow {
class Status;
}

namespace hre::data {

/// One line without a full stop, with the system's reason where Arrow keeps one.
std::string message_of(const arrow::Status& status);

/// The first line of a foreign message, not too long, without a full stop.
std::string first_line(std::string text);

}  // namespace hre::data
