#pragma once
/// Whether hre's kernels and the engine's hook do what the engine itself would: both compute the same small graphs once
/// in a process, in a few milliseconds, before a model is computed. What the hook relies on in the engine (names of
/// nodes, the layout of their parameters, results that overwrite their source) no compiler checks.

#include <string>
#include <vector>

namespace hre::fast {

/// What the two compute differently, in words: "attention". Empty where they agree. The engine must have hre's patch.
std::vector<std::string> self_check();

}  // namespace hre::fast
