#pragma once
/// Products in integers: weights and rows are blocks of 32 integers with a factor each. Pairs of 16-bit integers are
/// multiplied, twice as many an instruction as float32's, and a block's sum is exact in 32 bits. Weights of Q8_0 are
/// such blocks as they are, with rows of 16-bit integers; other weights and their rows are rounded to 14 bits. A
/// rounded value is off by half of the largest in its block, divided by kLargestBeside8Bits or kLargest.

#include <cstddef>
#include <cstdint>

namespace hre::fast::integers {

/// Values of a block, of weights and of rows.
inline constexpr int64_t kBlock = 32;

/// Whether this process's instruction set can (AVX2 and above); nothing else here may be called where it can't.
bool available();

/// The largest integer of rows, with weights of 8 bits, and with others of weights and rows.
inline constexpr float kLargestBeside8Bits = 32767, kLargest = 8191;

/// Bytes of a rounded row of k values, a multiple of kBlock.
size_t row_bytes(int64_t k);
/// Rounds a row to integers up to so large. Blocks that hold an infinity or NaN give NaN.
void round_row(const float* from, int64_t k, float largest, void* to);

/// Bytes of a packed block of n rows of weights.
size_t packed_bytes(int64_t n, int64_t k);
/// Pack n rows, one after another.
void pack_q8_0(const void* rows, int64_t n, int64_t k, void* packed);
void pack_f32(const float* rows, int64_t n, int64_t k, void* packed);
void pack_bf16(const uint16_t* rows, int64_t n, int64_t k, void* packed);

/// c [m x n] = a [m x k] W^T; a's rows are rounded, a_stride bytes apart, with kSpareRows (products.h) readable
/// after them; c's are c_stride values apart. What a row
/// gives does not depend on the others.
void multiply(int64_t n, int64_t k, int64_t m, const void* a, size_t a_stride, const void* packed, float* c,
              int64_t c_stride);

}  // namespace hre::fast::integers
