#pragma once
/// Stored weights as the float32 values that they stand for.

#include <ggml.h>

#include <cstdint>

namespace hre::fast {

/// Widens a row of k weights: with hre's own code for bfloat16 and for the types that Q4_0, Q4_1, Q4_K_M and Q5_K_M
/// files hold, with the engine's for the others. k is a multiple of the type's block.
void widen_row(ggml_type type, const char* from, int64_t k, float* to);

}  // namespace hre::fast
