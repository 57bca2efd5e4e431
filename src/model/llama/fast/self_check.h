#pragma once
/// Checks that hre's kernels and the engine's hook compute what the engine itself would: both compute the same small
/// graphs once per process, in a few milliseconds, before a model is computed. No compiler checks what the hook assumes
/// about the engine: names of nodes, the layout of their parameters, results that overwrite their source.

#include <string>
#include <vector>

namespace hre::fast {

/// Names what the two compute differently: "attention". Empty if they agree. The engine must have hre's patch.
std::vector<std::string> self_check();

}  // namespace hre::fast
