// A stored block holds integers of 4 to 6 bits, and factors and shifts for parts of it. The integers are first spread
// to a byte each, in the order of the weights; kernels().widen_bytes then does the arithmetic.
#include "model/llama/fast/widening.h"

#include <cstring>

#include "model/llama/fast/kernels.h"

namespace hre::fast {
namespace {

float half_at(const uint8_t* from) {
  uint16_t half;
  std::memcpy(&half, from, sizeof half);
  return ggml_fp16_to_fp32(half);
}

/// Q4_0: factor, 32 integers of 4 bits around 8. Q4_1: factor, shift, 32 integers of 4 bits. The first 16 integers are
/// the low halves of the bytes.
void widen_small_block(const uint8_t* from, bool is_shifted, float* to) {
  const float factor = half_at(from), shift = is_shifted ? half_at(from + 2) : -8 * factor;
  const uint8_t* bytes = from + (is_shifted ? 4 : 2);
  int8_t integers[32];
  for (int i = 0; i < 16; ++i) {
    integers[i] = static_cast<int8_t>(bytes[i] & 15);
    integers[16 + i] = static_cast<int8_t>(bytes[i] >> 4);
  }
  kernels().widen_bytes(integers, 32, factor, shift, to);
}

/// The factor and the shift, of 6 bits each, of the i-th of eight parts: parts 4 to 7 have their two high bits beside
/// those of parts 0 to 3.
void part_scales(const uint8_t* scales, int i, int& factor, int& shift) {
  if (i < 4) {
    factor = scales[i] & 63;
    shift = scales[i + 4] & 63;
  } else {
    factor = (scales[i + 4] & 15) | (scales[i - 4] >> 6) << 4;
    shift = (scales[i + 4] >> 4) | (scales[i] >> 6) << 4;
  }
}

/// Q4_K and Q5_K: 256 integers in eight parts of 32. Two factors for all, 12 bytes of parts' factors and shifts, the
/// fifth bits of Q5_K, four bits of each. 32 bytes hold two parts, the first in their low halves; bit p of the byte i
/// of the fifth bits belongs to integer i of part p.
void widen_k_block(const uint8_t* from, bool has_fifth_bits, float* to) {
  const float of_factors = half_at(from), of_shifts = half_at(from + 2);
  const uint8_t *scales = from + 4, *fifth = from + 16, *bytes = fifth + (has_fifth_bits ? 32 : 0);
  for (int part = 0; part < 8; ++part) {
    int8_t integers[32];
    const uint8_t* of_two = bytes + part / 2 * 32;
    const int down = part % 2 * 4;
    for (int i = 0; i < 32; ++i) integers[i] = static_cast<int8_t>(of_two[i] >> down & 15);
    if (has_fifth_bits) {
      for (int i = 0; i < 32; ++i) integers[i] = static_cast<int8_t>(integers[i] | (fifth[i] >> part & 1) << 4);
    }
    int factor, shift;
    part_scales(scales, part, factor, shift);
    kernels().widen_bytes(integers, 32, of_factors * static_cast<float>(factor), -of_shifts * static_cast<float>(shift),
                          to + part * 32);
  }
}

/// Q6_K: 256 integers around 32 in 16 parts, the low four bits of each, the high two, the parts' factors, and a factor
/// for all. Each half has 64 bytes of low and 32 bytes of high bits: its quarters are the low halves of bytes 0 to 31
/// and 32 to 63, then their high halves; quarter q has the bits 2 q and 2 q + 1 of the high ones.
void widen_q6_block(const uint8_t* from, float* to) {
  const uint8_t *scales = from + 192, *lows = from, *highs = from + 128;
  const float of_all = half_at(from + 208);
  for (int quarter = 0; quarter < 8; ++quarter) {
    const int q = quarter % 4;
    const uint8_t *low = lows + quarter / 4 * 64 + q % 2 * 32, *high = highs + quarter / 4 * 32;
    int8_t integers[32];
    for (int i = 0; i < 32; ++i) {
      integers[i] = static_cast<int8_t>(((low[i] >> q / 2 * 4 & 15) | (high[i] >> 2 * q & 3) << 4) - 32);
    }
    for (int half = 0; half < 2; ++half) {
      const auto factor = static_cast<float>(static_cast<int8_t>(scales[quarter * 2 + half]));
      kernels().widen_bytes(integers + half * 16, 16, of_all * factor, 0, to + quarter * 32 + half * 16);
    }
  }
}

}  // namespace

void widen_row(ggml_type type, const char* from, int64_t k, float* to) {
  if (type == GGML_TYPE_BF16) {
    return kernels().from_bf16(reinterpret_cast<const uint16_t*>(from), static_cast<size_t>(k), to);
  }
  const int64_t size = ggml_blck_size(type);
  const auto* block = reinterpret_cast<const uint8_t*>(from);
  const auto widen_blocks = [&](auto&& widen_block) {
    for (int64_t i = 0; i < k; i += size, block += ggml_type_size(type)) widen_block(block, to + i);
  };
  switch (type) {
    case GGML_TYPE_Q4_0:
    case GGML_TYPE_Q4_1:
      return widen_blocks([&](const uint8_t* at, float* into) { widen_small_block(at, type == GGML_TYPE_Q4_1, into); });
    case GGML_TYPE_Q4_K:
    case GGML_TYPE_Q5_K:
      return widen_blocks([&](const uint8_t* at, float* into) { widen_k_block(at, type == GGML_TYPE_Q5_K, into); });
    case GGML_TYPE_Q6_K:
      return widen_blocks([](const uint8_t* at, float* into) { widen_q6_block(at, into); });
    default:
      return ggml_get_type_traits(type)->to_float(from, to, k);
  }
}

}  // namespace hre::fast
