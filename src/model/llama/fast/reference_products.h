#pragma once
/// Products with narrow weights as they are defined: each weight as the float32 that it stands for, times float32. For
/// checks: nothing is rounded, packed or kept, and nothing is shared with the kernels that hre is fast by. The engine
/// itself rounds the other side to 8 bits where weights are quantised, and to their own type where they have 16.

#include <ggml.h>

#include "model/llama/fast/node_work.h"

namespace hre::fast {

/// Computes the node with all threads, each calling this, if it multiplies weights that are narrower than float32, also
/// those of experts; false for any other.
bool compute_reference(const ggml_tensor* node, const Worker& worker);

}  // namespace hre::fast
