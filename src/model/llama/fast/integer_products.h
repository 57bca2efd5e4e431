#pragma once
/// Products of weights that are 8-bit integers in blocks of 32 with a factor each (Q8_0), with rows rounded to 16-bit
/// integers in blocks of 32: whole numbers are multiplied, twice as many an instruction as float32's, and sums of 32
/// products are exact. A row's values are off by at most 1/65534 of the largest in their block.

#include <cstddef>
#include <cstdint>

namespace hre::fast::integers {

/// Values of a block, of weights and of rows.
inline constexpr int64_t kBlock = 32;

/// Whether this processor can (AVX-512 VNNI); nothing else here may be called where it can't.
bool available();

/// Bytes of a rounded row of k values, a multiple of kBlock.
size_t row_bytes(int64_t k);
/// Rounds a row. Blocks that hold an infinity or NaN give NaN.
void round_row(const float* from, int64_t k, void* to);

/// Bytes of a packed block of n rows of weights.
size_t packed_bytes(int64_t n, int64_t k);
/// Packs n rows of Q8_0, one after another.
void pack_q8_0(const void* rows, int64_t n, int64_t k, void* packed);

/// c [m x n] = a [m x k] W^T; a's rows are rounded, a_stride bytes apart. What a row gives does not depend on the
/// others.
void multiply(int64_t n, int64_t k, int64_t m, const void* a, size_t a_stride, const void* packed, float* c);

}  // namespace hre::fast::integers
