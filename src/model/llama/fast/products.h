#pragma once
/// Matrix products, one thread's block at a time: C = A Wᵀ, with W a block of a weight's rows. Float32 by kernels.h,
/// integers by integer_products.h, bfloat16 by oneDNN where the build has it (products.cc alone sees dnnl.hpp).
///
/// What a row of C gives follows from that row of A, from W and from the precision: it doesn't depend on m, on the rows
/// beside it, on where it stands among them, or on how W was cut into blocks.

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
};

/// Whether this build and this process's instruction set can; bfloat16 only where the processor multiplies it.
bool can_multiply(Precision precision);

/// Whether oneDNN multiplies bfloat16 in tiles (AMX) here.
bool multiplies_in_tiles();

/// Bytes of a row of k values of A.
size_t row_bytes(Precision precision, int64_t k);
/// Writes such a row, of any but kF32, whose rows are taken as they are.
void round_row(Precision precision, const float* from, int64_t k, void* to);

/// oneDNN's version; empty without it.
const char* onednn_version();

/// Bytes of a packed block. 0 where it can't be had: integers want k to be a multiple of 32.
size_t packed_bytes(const BlockShape& shape);

/// Packs n rows of k values for multiply_block(): Q8_0 for kI16 alone, which takes nothing else. `packed` must be at a
/// cache line's start.
void pack_block(const BlockShape& shape, const void* rows, RowType type, void* packed);

/// Rows after a's last that must be readable, whatever they hold: tiles of the last rows are as high as all others.
inline constexpr int64_t kSpareRows = 5;

/// c [m x n] = a [m x k] Wᵀ. a is of the shape's precision, its rows a_stride bytes apart; c's are c_stride values
/// apart.
void multiply_block(const BlockShape& shape, int64_t m, const void* a, size_t a_stride, const void* packed, float* c,
                    int64_t c_stride);

}  // namespace hre::fast
