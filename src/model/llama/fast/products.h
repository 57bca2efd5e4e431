#pragma once
/// Matrix products by oneDNN, one thread's block at a time: C = A Wᵀ, with W a block of a weight's rows.
/// Where the build lacks oneDNN nothing is available. The only files that see dnnl.hpp.

#include <cstddef>
#include <cstdint>

namespace hre::fast {

/// What A and W are multiplied in; sums are float32.
enum class Precision { kF32, kBf16 };

/// The size of a block: W has n rows of k values.
struct BlockShape {
  Precision precision = Precision::kF32;
  int64_t n = 0, k = 0;
  friend bool operator==(const BlockShape&, const BlockShape&) = default;
};

/// Whether this build and this processor can; bfloat16 only where the processor multiplies it.
bool can_multiply(Precision precision);

/// oneDNN's version; empty without it.
const char* products_version();

/// Bytes of a packed block; 0 where oneDNN cannot have it.
size_t packed_bytes(const BlockShape& shape);

/// Packs n rows of k values, float32, or where `is_bf16` bfloat16, for multiply().
void pack_block(const BlockShape& shape, const void* rows, bool is_bf16, void* packed);

/// c [m x n] = a [m x k] W^T. a is of the shape's precision, its rows a_stride values apart; c's rows are n values.
/// What a row gives does not depend on the others.
void multiply_block(const BlockShape& shape, int64_t m, const void* a, int64_t a_stride, const void* packed, float* c);

}  // namespace hre::fast
