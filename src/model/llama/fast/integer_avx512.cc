#include "model/llama/fast/integer_kernels.h"

#if defined(__x86_64__) && defined(__GNUC__) && !defined(__clang__)

#include <immintrin.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>

namespace hre::fast::integers {

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wmaybe-uninitialized"  // GCC 12 warns about its own _mm512 functions (bug 105593)
#pragma GCC diagnostic ignored "-Wuninitialized"
#pragma GCC push_options
#pragma GCC target("avx512f,avx512bw,avx512vl,avx512dq,avx512vnni,avx2,fma,f16c")

namespace {

constexpr int kLanes = kPanelColumns;

// A tile of the result in registers: its float32 sums, its blocks' integer sums, and what they are made of.
constexpr int kTileRows = 6;
/// Blocks of weights that stay in the first-level cache while all rows are multiplied.
constexpr int64_t kBlocksAtOnce = 8;

void transpose(__m512i rows[kLanes]) {
  __m512i pairs[kLanes], quads[kLanes], halves[kLanes];
  for (int i = 0; i < kLanes; i += 2) {
    pairs[i] = _mm512_unpacklo_epi32(rows[i], rows[i + 1]);
    pairs[i + 1] = _mm512_unpackhi_epi32(rows[i], rows[i + 1]);
  }
  for (int i = 0; i < kLanes; i += 4) {
    quads[i] = _mm512_unpacklo_epi64(pairs[i], pairs[i + 2]);
    quads[i + 1] = _mm512_unpackhi_epi64(pairs[i], pairs[i + 2]);
    quads[i + 2] = _mm512_unpacklo_epi64(pairs[i + 1], pairs[i + 3]);
    quads[i + 3] = _mm512_unpackhi_epi64(pairs[i + 1], pairs[i + 3]);
  }
  // quads[4 a + b] holds the columns b, b + 4, b + 8 and b + 12 of the rows 4 a .. 4 a + 3.
  for (int b = 0; b < 4; ++b) {
    halves[b] = _mm512_shuffle_i32x4(quads[b], quads[4 + b], 0x88);
    halves[4 + b] = _mm512_shuffle_i32x4(quads[b], quads[4 + b], 0xdd);
    halves[8 + b] = _mm512_shuffle_i32x4(quads[8 + b], quads[12 + b], 0x88);
    halves[12 + b] = _mm512_shuffle_i32x4(quads[8 + b], quads[12 + b], 0xdd);
  }
  for (int b = 0; b < 4; ++b) {
    rows[b] = _mm512_shuffle_i32x4(halves[b], halves[8 + b], 0x88);
    rows[8 + b] = _mm512_shuffle_i32x4(halves[b], halves[8 + b], 0xdd);
    rows[4 + b] = _mm512_shuffle_i32x4(halves[4 + b], halves[12 + b], 0x88);
    rows[12 + b] = _mm512_shuffle_i32x4(halves[4 + b], halves[12 + b], 0xdd);
  }
}

/// A block's 32 values.
struct Values {
  __m512 first, second;
};

Values values_at(const float* from) { return {_mm512_loadu_ps(from), _mm512_loadu_ps(from + kLanes)}; }

__m512 widened(const uint16_t* bf16) {
  const __m512i bits = _mm512_cvtepu16_epi32(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(bf16)));
  return _mm512_castsi512_ps(_mm512_slli_epi32(bits, 16));
}

Values values_at(const uint16_t* bf16) { return {widened(bf16), widened(bf16 + kLanes)}; }

/// The largest magnitude; NaN if any value is not finite.
float widest(const Values& values) {
  constexpr int kNotFinite = 0x99;
  if ((_mm512_fpclass_ps_mask(values.first, kNotFinite) | _mm512_fpclass_ps_mask(values.second, kNotFinite)) != 0) {
    return std::numeric_limits<float>::quiet_NaN();
  }
  return _mm512_reduce_max_ps(_mm512_max_ps(_mm512_abs_ps(values.first), _mm512_abs_ps(values.second)));
}

/// Rounds to 32 16-bit integers up to `largest`; `width` is the largest magnitude.
__m512i rounded(const Values& values, float width, float largest) {
  const __m512 by = _mm512_set1_ps(width >= kTooSmall ? largest / width : 0);
  const __m512i first = _mm512_cvtps_epi32(_mm512_mul_ps(values.first, by));
  const __m512i second = _mm512_cvtps_epi32(_mm512_mul_ps(values.second, by));
  return _mm512_inserti64x4(_mm512_castsi256_si512(_mm512_cvtsepi32_epi16(first)), _mm512_cvtsepi32_epi16(second), 1);
}

/// One block of one column of weights, as integers and their factor.
struct IntegerBlock {
  __m512i values;
  float factor;
};

IntegerBlock integers_of(const StoredBlock& block) {
  const __m512i values = _mm512_cvtepi8_epi16(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(block.values)));
  return {values, _mm_cvtss_f32(_mm_cvtph_ps(_mm_cvtsi32_si128(block.factor)))};
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

/// Packs the block of up to 16 columns; missing columns become zeros.
template <class Block>
void pack_panel(const Block* blocks, int64_t blocks_a_row, int64_t n_columns, Panel& to) {
  __m512i rows[kLanes];
  for (int column = 0; column < kLanes; ++column) {
    if (column >= n_columns) {
      rows[column] = _mm512_setzero_si512();
      to.factors[column] = 0;
      continue;
    }
    const IntegerBlock block = integers_of(blocks[column * blocks_a_row]);
    rows[column] = block.values;
    to.factors[column] = block.factor;
  }
  transpose(rows);
  for (int pair = 0; pair < kPairs; ++pair) _mm512_store_si512(to.pairs[pair], rows[pair]);
}

template <class Block>
void pack(const void* rows, int64_t n, int64_t k, void* packed) {
  const int64_t blocks = k / kBlock;
  const auto* from = static_cast<const Block*>(rows);
  auto* to = static_cast<Panel*>(packed);
  for (int64_t panel = 0; panel < panels_of(n); ++panel) {
    const int64_t columns = n - panel * kLanes;
    for (int64_t block = 0; block < blocks; ++block) {
      pack_panel(from + panel * kLanes * blocks + block, blocks, columns, to[panel * blocks + block]);
    }
  }
}

struct Rows {
  const char* at;
  size_t stride;
  int64_t k;

  [[nodiscard]] __m512i pair(int row, int64_t block, int pair) const {
    int32_t both;
    std::memcpy(&both, at + static_cast<size_t>(row) * stride + (block * kPairs + pair) * 4, 4);
    return _mm512_set1_epi32(both);
  }
  [[nodiscard]] __m512 factor(int row, int64_t block) const {
    float factor;
    std::memcpy(&factor, at + static_cast<size_t>(row) * stride + k * 2 + block * 4, 4);
    return _mm512_set1_ps(factor);
  }
};

/// sums += x w, for pairs of 16-bit integers. In assembly, because GCC 12 copies the intrinsic's sums back and forth.
inline void add_products(__m512i& sums, __m512i x, __m512i w) {
  asm("vpdpwssd %2, %1, %0" : "+v"(sums) : "v"(x), "v"(w));
}

/// c [rows x 2 panels] (+)= the products of blocks [first, last).
template <int rows>
void multiply_tile(const Rows& a, const Panel* const panels[kTilePanels], int64_t first, int64_t last,
                   const __mmask16 columns[kTilePanels], float* c, int64_t c_stride) {
  __m512 sums[rows][kTilePanels];
  for (int r = 0; r < rows; ++r) {
    for (int p = 0; p < kTilePanels; ++p) {
      sums[r][p] = first == 0 ? _mm512_setzero_ps() : _mm512_maskz_loadu_ps(columns[p], c + r * c_stride + p * kLanes);
    }
  }
  for (int64_t block = first; block < last; ++block) {
    __m512i whole[rows][kTilePanels];
    for (int r = 0; r < rows; ++r) {
      for (int p = 0; p < kTilePanels; ++p) whole[r][p] = _mm512_setzero_si512();
    }
#pragma GCC unroll 4
    for (int pair = 0; pair < kPairs; ++pair) {
      __m512i w[kTilePanels];
      for (int p = 0; p < kTilePanels; ++p) w[p] = _mm512_load_si512(panels[p][block].pairs[pair]);
      for (int r = 0; r < rows; ++r) {
        const __m512i x = a.pair(r, block, pair);
        for (int p = 0; p < kTilePanels; ++p) add_products(whole[r][p], x, w[p]);
      }
    }
    for (int r = 0; r < rows; ++r) {
      const __m512 factor = a.factor(r, block);
      for (int p = 0; p < kTilePanels; ++p) {
        const __m512 scaled = _mm512_mul_ps(_mm512_cvtepi32_ps(whole[r][p]), factor);
        sums[r][p] = _mm512_fmadd_ps(scaled, _mm512_load_ps(panels[p][block].factors), sums[r][p]);
      }
    }
  }
  for (int r = 0; r < rows; ++r) {
    for (int p = 0; p < kTilePanels; ++p) {
      _mm512_mask_storeu_ps(c + r * c_stride + p * kLanes, columns[p], sums[r][p]);
    }
  }
}

__mmask16 columns_within(int64_t n) {
  return n >= kLanes ? 0xffff : static_cast<__mmask16>((1U << std::max<int64_t>(n, 0)) - 1);
}

void round_row(const float* from, int64_t k, float largest, void* to) {
  auto* values = static_cast<int16_t*>(to);
  for (int64_t block = 0; block < k / kBlock; ++block, from += kBlock) {
    const Values exact = values_at(from);
    const float width = widest(exact), factor = width / largest;
    _mm512_storeu_si512(values + block * kBlock, rounded(exact, width, largest));
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
    for (int64_t panel = 0; panel < panels_of(n); panel += kTilePanels) {
      const int64_t column = panel * kLanes;
      const Panel* const panels[kTilePanels] = {static_cast<const Panel*>(packed) + panel * blocks,
                                                static_cast<const Panel*>(packed) + (panel + 1) * blocks};
      const __mmask16 columns[kTilePanels] = {columns_within(n - column), columns_within(n - column - kLanes)};
      int64_t row = 0;
      const auto rows_at = [&] {
        return Rows{static_cast<const char*>(a) + static_cast<size_t>(row) * a_stride, a_stride, k};
      };
      for (; row + kTileRows <= m; row += kTileRows) {
        multiply_tile<kTileRows>(rows_at(), panels, first, last, columns, c + row * c_stride + column, c_stride);
      }
      for (; row < m; ++row)
        multiply_tile<1>(rows_at(), panels, first, last, columns, c + row * c_stride + column, c_stride);
    }
  }
}

constexpr IntegerKernels kTable = {round_row, pack_q8_0, pack_f32, pack_bf16, multiply};

}  // namespace

const IntegerKernels* avx512_kernels() { return &kTable; }

#pragma GCC pop_options
#pragma GCC diagnostic pop

}  // namespace hre::fast::integers

#else

namespace hre::fast::integers {

const IntegerKernels* avx512_kernels() { return nullptr; }

}  // namespace hre::fast::integers

#endif
