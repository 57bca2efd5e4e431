#pragma once
/// The versions of the libraries that this folder wraps, as they are at run time: for hre --version.

#include <string>

namespace hre::data {

std::string library_versions();

}  // namespace hre::data
