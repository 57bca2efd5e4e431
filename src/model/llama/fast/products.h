#pragma once
/// Matrix products, one thread's block at a time: C = A Wᵀ, with W a block of a weight's rows. By oneDNN (these are the
/// only files that see dnnl.hpp), and in integers by integer_products.h. Where the build lacks oneDNN nothing is
/// available.

#include <cstddef>
#include <cstdint>

#include "hre/speed.h"

namespace hre::fast {

/// What W's rows are before they are packed.
enum class RowType : uint8_t { kF32, kBf16, kQ8_0 };

/// The size of a block: W has n rows of k values.
struct BlockShape {
  Precision precision = Precision::kF32;
  int64_t n = 0, k = 0;
  friend bool operator==(const BlockShape&, const BlockShape&) = default;
};

/// Whether this build and this processor can; bfloat16 and integers only where the processor multiplies them.
bool can_multiply(Precision precision);

/// Bytes of a row of k values of A.
size_t row_bytes(Precision precision, int64_t k);
/// Writes such a row, of any but kF32, whose rows are taken as they are.
void round_row(Precision precision, const float* from, int64_t k, void* to);

/// oneDNN's version; empty without it.
const char* products_version();

/// Bytes of a packed block; 0 where it can't be had.
size_t packed_bytes(const BlockShape& shape);

/// Packs n rows of k values for multiply_block(): Q8_0 for kI16 alone, which takes nothing else.
void pack_block(const BlockShape& shape, const void* rows, RowType type, void* packed);

/// c [m x n] = a [m x k] W^T. a is of the shape's precision, its rows a_stride bytes apart; c's rows are n values.
/// What a row gives does not depend on the others.
void multiply_block(const BlockShape& shape, int64_t m, const void* a, size_t a_stride, const void* packed, float* c);

}  // namespace hre::fast
