#pragma once
/// Where hre keeps what can be made or fetched again.

#include <string>

#include "hre/result.h"

namespace hre {

/// HRE_CACHE, or hre in XDG_CACHE_HOME, or ~/.cache/hre; with `part` as a folder in it. Makes the folder.
Result<std::string> cache_folder(const std::string& part = "");

/// HOME, or where the system's list of users has this one's; empty where neither is known.
std::string home_folder();

}  // namespace hre
