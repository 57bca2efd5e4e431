#pragma once
/// The loops of integer_products.h, once per instruction set. All sets give the same bits: sums of a block are exact,
/// and blocks are added in the same order by the same operations.
///
///   Panel, 16 columns (rows of the weights) of one block:
///     pairs   [16 pairs of k][16 columns]   two 16-bit integers in each, of neighbours in k
///     factors [16 columns]
///   A rounded row: k 16-bit integers, then k / 32 factors.

#include <cstddef>
#include <cstdint>

#include "model/llama/fast/integer_products.h"

namespace hre::fast::integers {

inline constexpr int kPanelColumns = 16;
/// Panels are packed in pairs, which AVX-512 multiplies at once; the last panel may be all zeros.
inline constexpr int kTilePanels = 2;
inline constexpr int kPairs = kBlock / 2;

struct Panel {
  int32_t pairs[kPairs][kPanelColumns];
  float factors[kPanelColumns];
};

/// A block of Q8_0, in ggml's layout.
struct StoredBlock {
  uint16_t factor;  ///< half precision
  int8_t values[kBlock];
};
static_assert(sizeof(StoredBlock) == 34);

inline int64_t panels_of(int64_t n) {
  constexpr int64_t kTileColumns = int64_t{kTilePanels} * kPanelColumns;
  return (n + kTileColumns - 1) / kTileColumns * kTilePanels;
}

/// Blocks in which all values are smaller become zeros, because their divisor would not be finite.
inline constexpr float kTooSmall = 1e-30F;

struct IntegerKernels {
  void (*round_row)(const float* from, int64_t k, float largest, void* to);
  void (*pack_q8_0)(const void* rows, int64_t n, int64_t k, void* packed);
  void (*pack_f32)(const float* rows, int64_t n, int64_t k, void* packed);
  void (*pack_bf16)(const uint16_t* rows, int64_t n, int64_t k, void* packed);
  void (*multiply)(int64_t n, int64_t k, int64_t m, const void* a, size_t a_stride, const void* packed, float* c,
                   int64_t c_stride);
};

/// By vpmaddwd, for AVX2; by vpdpwssd, for AVX-512 with VNNI. Null if the compiler can't generate them.
const IntegerKernels* avx2_kernels();
const IntegerKernels* avx512_kernels();

}  // namespace hre::fast::integers
