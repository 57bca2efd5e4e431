#pragma once
/// Reads the API key from a file or from HRE_API_KEY. It is never shown.

#include <string>

#include "hre/result.h"

namespace hre::server {

/// The first line of the file, or HRE_API_KEY if no file is named; empty if there is neither. Input errors for a file
/// that can't be read, is empty, or holds no valid key (spaces, control characters, more than 4,096 bytes).
Result<std::string> load_api_key(const std::string& file);

}  // namespace hre::server
