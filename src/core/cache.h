#pragma once
/// The folder where hre keeps files that it can make or fetch again.

#include <string>

#include "hre/result.h"

namespace hre {

/// HRE_CACHE, or hre in XDG_CACHE_HOME, or ~/.cache/hre, with `part` as a folder in it. Creates the folder.
Result<std::string> cache_folder(const std::string& part = "");

/// HOME, or the user's home folder in the system's user database; empty if neither is known.
std::string home_folder();

}  // namespace hre
