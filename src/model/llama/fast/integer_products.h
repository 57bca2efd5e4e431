#pragma once
/// Products in integers: weights and rows are blocks of 32 integers with one factor each. An instruction multiplies
/// pairs of 16-bit integers, twice as many as float32 values, and a block's sum is exact in 32 bits. Q8_0 weights
/// already have this form and are multiplied with rows of 16-bit integers; other weights and their rows are rounded to
/// 14 bits. The rounding error is at most half of the largest value of the block, divided by kLargestBeside8Bits or
/// kLargest.

#include <cstddef>
#include <cstdint>

namespace hre::fast::integers {

/// Number of values in a block, of weights and of rows.
inline constexpr int64_t kBlock = 32;

/// Whether this process's instruction set has integer products (AVX2 and above). If not, no other function here may be
/// called.
bool available();

/// The largest integers of rows beside 8-bit weights; and of rows and weights otherwise.
inline constexpr float kLargestBeside8Bits = 32767, kLargest = 8191;

/// Bytes of a rounded row of k values, a multiple of kBlock.
size_t row_bytes(int64_t k);
/// Rounds a row to integers of at most `largest`. Blocks that contain an infinity or NaN give NaN.
void round_row(const float* from, int64_t k, float largest, void* to);

/// Bytes of a packed block of n rows of weights.
size_t packed_bytes(int64_t n, int64_t k);
/// Pack n rows, one after another.
void pack_q8_0(const void* rows, int64_t n, int64_t k, void* packed);
void pack_f32(const float* rows, int64_t n, int64_t k, void* packed);
void pack_bf16(const uint16_t* rows, int64_t n, int64_t k, void* packed);

/// c [m x n] = a [m x k] W^T. a's rows are rounded and a_stride bytes apart, and kSpareRows (products.h) more rows must
/// be readable after them; c's rows are c_stride values apart. A row's result does not depend on other rows.
void multiply(int64_t n, int64_t k, int64_t m, const void* a, size_t a_stride, const void* packed, float* c,
              int64_t c_stride);

}  // namespace hre::fast::integers
