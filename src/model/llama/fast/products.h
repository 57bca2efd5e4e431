#pragma once
/// Matrix products, one thread's block at a time: C = A Wᵀ, where W is a block of a weight's rows. Float32 by
/// kernels.h, integers by integer_products.h, bfloat16 by oneDNN if the build has it (only products.cc includes
/// dnnl.hpp).
///
/// A row of C depends only on the same row of A, on W and on the precision: not on m, on neighbouring rows, on its
/// position among them, or on how W was divided into blocks.

#include <cstddef>
#include <cstdint>

#include "model/speed.h"

namespace hre::fast {

/// The type of W's rows before they are packed.
enum class RowType : uint8_t { kF32, kBf16, kQ8_0 };

/// The size of a block: W has n rows of k values.
struct BlockShape {
  Precision precision = Precision::kF32;
  int64_t n = 0, k = 0;
};

/// Whether this build and this process's instruction set have the precision; bfloat16 only if the processor multiplies
/// it.
bool can_multiply(Precision precision);

/// Whether oneDNN multiplies bfloat16 in tiles (AMX) on this processor.
bool multiplies_in_tiles();

/// The size in bytes of a row of k values of A.
size_t row_bytes(Precision precision, int64_t k);
/// Converts a row to a precision other than kF32; float32 rows are used unchanged.
void round_row(Precision precision, const float* from, int64_t k, void* to);

/// oneDNN's version; empty without it.
const char* onednn_version();

/// The size in bytes of a packed block. 0 if the block is impossible: integers need k to be a multiple of 32.
size_t packed_bytes(const BlockShape& shape);

/// Packs n rows of k values for multiply_block(). kI16 takes only Q8_0, and Q8_0 only kI16. `packed` must be aligned to
/// a cache line.
void pack_block(const BlockShape& shape, const void* rows, RowType type, void* packed);

/// The number of rows after a's last that must be readable, whatever they contain: the last tile is as high as all
/// others.
inline constexpr int64_t kSpareRows = 5;

/// c [m x n] = a [m x k] Wᵀ. a has the shape's precision, and its rows are a_stride bytes apart; c's rows are c_stride
/// values apart.
void multiply_block(const BlockShape& shape, int64_t m, const void* a, size_t a_stride, const void* packed, float* c,
                    int64_t c_stride);

}  // namespace hre::fast
