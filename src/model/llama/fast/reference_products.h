#pragma once
/// Products with narrow weights by their definition: each weight is widened to the float32 that it stands for, and
/// multiplied in float32. For checks: no rounding, packing or caching, and no code shared with hre's fast kernels. The
/// engine itself rounds the other operand: to 8 bits if weights are quantised, and to the weights' own type if they
/// have 16 bits.

#include <ggml.h>

#include "model/llama/fast/node_work.h"

namespace hre::fast {

/// Computes the node with all threads, each of which calls this function, if it multiplies weights narrower than
/// float32, including experts; false for any other node.
bool compute_reference(const ggml_tensor* node, const Worker& worker);

}  // namespace hre::fast
