#pragma once
/// The language models that come with the program.

#include <string>
#include <vector>

namespace hre::cli {

/// Paths of the base model and of the one tuned from it: in share/hre/models beside the program's folder, where it is
/// installed and in the build folder. Empty where they were taken away.
std::vector<std::string> shipped_models();

}  // namespace hre::cli
