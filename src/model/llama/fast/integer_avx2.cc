#include "model/llama/fast/integer_kernels.h"

#if defined(__x86_64__) && defined(__GNUC__) && !defined(__clang__)

#include <immintrin.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>

namespace hre::fast::integers {

#pragma GCC push_options
#pragma GCC target("avx2,fma,f16c")

namespace {

constexpr int kLanes = 8;
constexpr int kTileRows = 6;
/// Blocks of a panel (1,088 bytes each) that stay in the first-level cache while all rows are multiplied.
constexpr int64_t kBlocksAtOnce = 18;

/// A block's 32 values.
struct Values {
  __m256 parts[4];
};

Values values_at(const float* from) {
  return {{_mm256_loadu_ps(from), _mm256_loadu_ps(from + 8), _mm256_loadu_ps(from + 16), _mm256_loadu_ps(from + 24)}};
}

__m256 widened(const uint16_t* bf16) {
  const __m256i bits = _mm256_cvtepu16_epi32(_mm_loadu_si128(reinterpret_cast<const __m128i*>(bf16)));
  return _mm256_castsi256_ps(_mm256_slli_epi32(bits, 16));
}

Values values_at(const uint16_t* bf16) {
  return {{widened(bf16), widened(bf16 + 8), widened(bf16 + 16), widened(bf16 + 24)}};
}

/// The largest magnitude; NaN if any value is not finite. Compared as integers, magnitudes have the same order, with
/// infinity and NaN above all.
float widest(const Values& values) {
  const __m256i magnitude = _mm256_set1_epi32(0x7fffffff);
  const auto bits = [&](int i) { return _mm256_and_si256(_mm256_castps_si256(values.parts[i]), magnitude); };
  const __m256i all = _mm256_max_epi32(_mm256_max_epi32(bits(0), bits(1)), _mm256_max_epi32(bits(2), bits(3)));
  __m128i half = _mm_max_epi32(_mm256_castsi256_si128(all), _mm256_extracti128_si256(all, 1));
  half = _mm_max_epi32(half, _mm_shuffle_epi32(half, 0x4e));
  half = _mm_max_epi32(half, _mm_shuffle_epi32(half, 0xb1));
  const int32_t largest = _mm_cvtsi128_si32(half);
  if (largest >= 0x7f800000) return std::numeric_limits<float>::quiet_NaN();
  float width = 0;
  std::memcpy(&width, &largest, sizeof width);
  return width;
}

/// 32 16-bit integers, in order.
struct Integers {
  __m256i first, second;
};

Integers rounded(const Values& values, float width, float largest) {
  const __m256 by = _mm256_set1_ps(width >= kTooSmall ? largest / width : 0);
  __m256i whole[4];
  for (int i = 0; i < 4; ++i) whole[i] = _mm256_cvtps_epi32(_mm256_mul_ps(values.parts[i], by));
  // Packing interleaves the halves of its operands; the permutation 0 2 1 3 restores the order.
  return {_mm256_permute4x64_epi64(_mm256_packs_epi32(whole[0], whole[1]), 0xd8),
          _mm256_permute4x64_epi64(_mm256_packs_epi32(whole[2], whole[3]), 0xd8)};
}

/// One block of one column of weights, as integers and their factor.
struct IntegerBlock {
  Integers values;
  float factor;
};

IntegerBlock integers_of(const StoredBlock& block) {
  const auto* at = reinterpret_cast<const __m128i*>(block.values);
  return {{_mm256_cvtepi8_epi16(_mm_loadu_si128(at)), _mm256_cvtepi8_epi16(_mm_loadu_si128(at + 1))},
          _mm_cvtss_f32(_mm_cvtph_ps(_mm_cvtsi32_si128(block.factor)))};
}

template <class Number>
struct NumberBlock {
  Number values[kBlock];
};

template <class Number>
IntegerBlock integers_of(const NumberBlock<Number>& block) {
  const Values values = values_at(block.values);
  const float width = widest(values);
  return {rounded(values, width, kLargest), width / kLargest};
}

/// Transposes eight pairs of each of 8 columns and stores them `stride` apart.
void transpose(const __m256i columns[kLanes], int32_t* to, int64_t stride) {
  __m256i pairs[kLanes], quads[kLanes];
  for (int i = 0; i < kLanes; i += 2) {
    pairs[i] = _mm256_unpacklo_epi32(columns[i], columns[i + 1]);
    pairs[i + 1] = _mm256_unpackhi_epi32(columns[i], columns[i + 1]);
  }
  for (int i = 0; i < kLanes; i += 4) {
    quads[i] = _mm256_unpacklo_epi64(pairs[i], pairs[i + 2]);
    quads[i + 1] = _mm256_unpackhi_epi64(pairs[i], pairs[i + 2]);
    quads[i + 2] = _mm256_unpacklo_epi64(pairs[i + 1], pairs[i + 3]);
    quads[i + 3] = _mm256_unpackhi_epi64(pairs[i + 1], pairs[i + 3]);
  }
  for (int i = 0; i < 4; ++i) {
    _mm256_storeu_si256(reinterpret_cast<__m256i*>(to + i * stride),
                        _mm256_permute2x128_si256(quads[i], quads[4 + i], 0x20));
    _mm256_storeu_si256(reinterpret_cast<__m256i*>(to + (4 + i) * stride),
                        _mm256_permute2x128_si256(quads[i], quads[4 + i], 0x31));
  }
}

/// Packs the block of up to 16 columns; missing columns become zeros.
template <class Block>
void pack_panel(const Block* blocks, int64_t blocks_a_row, int64_t n_columns, Panel& to) {
  for (int first = 0; first < kPanelColumns; first += kLanes) {
    __m256i halves[2][kLanes];
    for (int i = 0; i < kLanes; ++i) {
      const int column = first + i;
      if (column >= n_columns) {
        halves[0][i] = halves[1][i] = _mm256_setzero_si256();
        to.factors[column] = 0;
        continue;
      }
      const IntegerBlock block = integers_of(blocks[column * blocks_a_row]);
      halves[0][i] = block.values.first;
      halves[1][i] = block.values.second;
      to.factors[column] = block.factor;
    }
    for (int half = 0; half < 2; ++half) {
      transpose(halves[half], to.pairs[half * kLanes] + first, kPanelColumns);
    }
  }
}

template <class Block>
void pack(const void* rows, int64_t n, int64_t k, void* packed) {
  const int64_t blocks = k / kBlock;
  const auto* from = static_cast<const Block*>(rows);
  auto* to = static_cast<Panel*>(packed);
  for (int64_t panel = 0; panel < panels_of(n); ++panel) {
    const int64_t columns = n - panel * kPanelColumns;
    for (int64_t block = 0; block < blocks; ++block) {
      pack_panel(from + panel * kPanelColumns * blocks + block, blocks, columns, to[panel * blocks + block]);
    }
  }
}

/// Rounded rows, `stride` bytes apart.
struct Rows {
  const char* at;
  size_t stride;
  int64_t k;

  [[nodiscard]] const char* pairs(int row, int64_t block) const {
    return at + static_cast<size_t>(row) * stride + block * kBlock * 2;
  }
  [[nodiscard]] __m256 factor(int row, int64_t block) const {
    float factor;
    std::memcpy(&factor, at + static_cast<size_t>(row) * stride + k * 2 + block * 4, 4);
    return _mm256_set1_ps(factor);
  }
};

// Multiplies one pair of a row by the two halves of a panel's pairs. It is written in assembly because GCC 12 otherwise
// loads all rows' pairs first, and has no registers left for the 12 sums.
#define HRE_ROW(at, low, high)         \
  "vpbroadcastd " at                   \
  ", %[x]\n\t"                         \
  "vpmaddwd %[low_w], %[x], %[y]\n\t"  \
  "vpmaddwd %[high_w], %[x], %[x]\n\t" \
  "vpaddd %[y], " low ", " low         \
  "\n\t"                               \
  "vpaddd %[x], " high ", " high "\n\t"
#define HRE_PAIR(i)                                                                                                 \
  "vmovdqu " #i                                                                                                     \
  "*64(%[w]), %[low_w]\n\t"                                                                                         \
  "vmovdqu " #i "*64+32(%[w]), %[high_w]\n\t" HRE_ROW(#i "*4(%[a])", "%[s0]", "%[t0]")                              \
      HRE_ROW(#i "*4(%[a], %[stride])", "%[s1]", "%[t1]") HRE_ROW(#i "*4(%[a], %[stride], 2)", "%[s2]", "%[t2]")    \
          HRE_ROW(#i "*4(%[a], %[three])", "%[s3]", "%[t3]") HRE_ROW(#i "*4(%[a], %[stride], 4)", "%[s4]", "%[t4]") \
              HRE_ROW(#i "*4(%[a], %[five])", "%[s5]", "%[t5]")
#define HRE_ZERO(i) "vpxor %[s" #i "], %[s" #i "], %[s" #i "]\n\tvpxor %[t" #i "], %[t" #i "], %[t" #i "]\n\t"

/// Adds a block of six rows times a panel's block: exact sums. The results of missing rows are never used.
__attribute__((always_inline)) inline void add_block(const Rows& rows, int64_t block, const Panel& panel,
                                                     __m256i (&sums)[kTileRows][2]) {
  __m256i x, y, low_w, high_w;
  asm(HRE_ZERO(0) HRE_ZERO(1) HRE_ZERO(2) HRE_ZERO(3) HRE_ZERO(4) HRE_ZERO(5)  //
      HRE_PAIR(0) HRE_PAIR(1) HRE_PAIR(2) HRE_PAIR(3) HRE_PAIR(4) HRE_PAIR(5) HRE_PAIR(6) HRE_PAIR(7) HRE_PAIR(8)
          HRE_PAIR(9) HRE_PAIR(10) HRE_PAIR(11) HRE_PAIR(12) HRE_PAIR(13) HRE_PAIR(14) HRE_PAIR(15)
      : [s0] "=&x"(sums[0][0]), [t0] "=&x"(sums[0][1]), [s1] "=&x"(sums[1][0]), [t1] "=&x"(sums[1][1]),
        [s2] "=&x"(sums[2][0]), [t2] "=&x"(sums[2][1]), [s3] "=&x"(sums[3][0]), [t3] "=&x"(sums[3][1]),
        [s4] "=&x"(sums[4][0]), [t4] "=&x"(sums[4][1]), [s5] "=&x"(sums[5][0]), [t5] "=&x"(sums[5][1]), [x] "=&x"(x),
        [y] "=&x"(y), [low_w] "=&x"(low_w), [high_w] "=&x"(high_w)
      : [a] "r"(rows.pairs(0, block)), [stride] "r"(rows.stride), [three] "r"(3 * rows.stride),
        [five] "r"(5 * rows.stride), [w] "r"(panel.pairs)
      : "memory");
}

#undef HRE_ROW
#undef HRE_PAIR
#undef HRE_ZERO

/// c [rows x 16 columns] (+)= the products of blocks [first, last); only `columns` of the 16 columns exist. Always
/// reads six rows of a.
template <int rows>
void multiply_tile(const Rows& a, const Panel* panel, int64_t first, int64_t last, int64_t columns, float* c,
                   int64_t c_stride) {
  const bool whole_panel = columns >= kPanelColumns;
  float sums[rows][kPanelColumns];
  for (int r = 0; r < rows; ++r) {
    for (int64_t i = 0; i < kPanelColumns; ++i) {
      sums[r][i] = first > 0 && (whole_panel || i < columns) ? c[r * c_stride + i] : 0.0F;
    }
  }
  for (int64_t block = first; block < last; ++block) {
    __m256i whole[kTileRows][2];
    add_block(a, block, panel[block], whole);
    for (int r = 0; r < rows; ++r) {
      const __m256 factor = a.factor(r, block);
      for (int half = 0; half < 2; ++half) {
        float* sum = sums[r] + half * kLanes;
        const __m256 scaled = _mm256_mul_ps(_mm256_cvtepi32_ps(whole[r][half]), factor);
        const __m256 by = _mm256_loadu_ps(panel[block].factors + half * kLanes);
        _mm256_storeu_ps(sum, _mm256_fmadd_ps(scaled, by, _mm256_loadu_ps(sum)));
      }
    }
  }
  for (int r = 0; r < rows; ++r) {
    if (whole_panel) {
      std::memcpy(c + r * c_stride, sums[r], sizeof sums[r]);
    } else {
      std::copy_n(sums[r], columns, c + r * c_stride);
    }
  }
}

/// The remaining rows, fewer than a tile's.
template <int rows = kTileRows - 1>
void multiply_rest(int64_t n_rows, const Rows& a, const Panel* panel, int64_t first, int64_t last, int64_t columns,
                   float* c, int64_t c_stride) {
  if constexpr (rows > 0) {
    if (n_rows == rows) return multiply_tile<rows>(a, panel, first, last, columns, c, c_stride);
    multiply_rest<rows - 1>(n_rows, a, panel, first, last, columns, c, c_stride);
  }
}

void round_row(const float* from, int64_t k, float largest, void* to) {
  auto* values = static_cast<int16_t*>(to);
  for (int64_t block = 0; block < k / kBlock; ++block, from += kBlock) {
    const Values exact = values_at(from);
    const float width = widest(exact), factor = width / largest;
    const Integers integers = rounded(exact, width, largest);
    _mm256_storeu_si256(reinterpret_cast<__m256i*>(values + block * kBlock), integers.first);
    _mm256_storeu_si256(reinterpret_cast<__m256i*>(values + block * kBlock + kBlock / 2), integers.second);
    std::memcpy(static_cast<char*>(to) + k * 2 + block * 4, &factor, 4);
  }
}

void pack_q8_0(const void* rows, int64_t n, int64_t k, void* packed) { pack<StoredBlock>(rows, n, k, packed); }

void pack_f32(const float* rows, int64_t n, int64_t k, void* packed) { pack<NumberBlock<float>>(rows, n, k, packed); }

void pack_bf16(const uint16_t* rows, int64_t n, int64_t k, void* packed) {
  pack<NumberBlock<uint16_t>>(rows, n, k, packed);
}

void multiply(int64_t n, int64_t k, int64_t m, const void* a, size_t a_stride, const void* packed, float* c,
              int64_t c_stride) {
  const int64_t blocks = k / kBlock, parts = (blocks + kBlocksAtOnce - 1) / kBlocksAtOnce;
  for (int64_t part = 0; part < parts; ++part) {
    const int64_t first = blocks * part / parts, last = blocks * (part + 1) / parts;
    for (int64_t column = 0; column < n; column += kPanelColumns) {
      const Panel* panel = static_cast<const Panel*>(packed) + column / kPanelColumns * blocks;
      int64_t row = 0;
      const auto rows_at = [&] {
        return Rows{static_cast<const char*>(a) + static_cast<size_t>(row) * a_stride, a_stride, k};
      };
      for (; row + kTileRows <= m; row += kTileRows) {
        multiply_tile<kTileRows>(rows_at(), panel, first, last, n - column, c + row * c_stride + column, c_stride);
      }
      multiply_rest(m - row, rows_at(), panel, first, last, n - column, c + row * c_stride + column, c_stride);
    }
  }
}

constexpr IntegerKernels kTable = {round_row, pack_q8_0, pack_f32, pack_bf16, multiply};

}  // namespace

const IntegerKernels* avx2_kernels() { return &kTable; }

#pragma GCC pop_options

}  // namespace hre::fast::integers

#else

namespace hre::fast::integers {

const IntegerKernels* avx2_kernels() { return nullptr; }

}  // namespace hre::fast::integers

#endif
