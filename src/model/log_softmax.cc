#include "model/log_softmax.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdint>
#include <limits>

namespace hre {
namespace {

constexpr size_t kLanes = 16;

// exp(x) for x <= 0, written so that compilers vectorise it: 2^n by the exponent's bits, the rest by the Taylor
// polynomial on [-ln2/2, ln2/2]; relative error under 2e-7. Underflows to 0.
inline float exp_of_negative(float x) {
  constexpr float kLog2E = 1.44269504F, kLn2High = 0.693359375F, kLn2Low = -2.12194440e-4F;
  x = std::max(x, -87.0F);
  const float n = std::floor(x * kLog2E + 0.5F);
  const float r = (x - n * kLn2High) - n * kLn2Low;
  float p = 1.3888889e-3F;
  p = p * r + 8.3333333e-3F;
  p = p * r + 4.1666667e-2F;
  p = p * r + 1.6666667e-1F;
  p = p * r + 0.5F;
  p = p * r + 1.0F;
  p = p * r + 1.0F;
  const auto scale = std::bit_cast<float>((static_cast<int32_t>(n) + 127) << 23);
  return p * scale;
}

// Blocks are short enough for float sums; the sums of blocks are added in double precision.
double sum_of_block(const float* logits, size_t n, float maximum) {
  float lanes[kLanes] = {};
  size_t i = 0;
  for (; i + kLanes <= n; i += kLanes) {
    for (size_t lane = 0; lane < kLanes; ++lane) lanes[lane] += exp_of_negative(logits[i + lane] - maximum);
  }
  double sum = 0;
  for (; i < n; ++i) sum += exp_of_negative(logits[i] - maximum);
  for (const float lane : lanes) sum += lane;
  return sum;
}

}  // namespace

double log_sum_exp(std::span<const float> logits) {
  float maximum = -std::numeric_limits<float>::infinity();
  bool is_nan = false;
  for (const float logit : logits) {
    maximum = std::max(maximum, logit);
    is_nan = is_nan || logit != logit;
  }
  if (is_nan) return std::numeric_limits<double>::quiet_NaN();
  if (std::isinf(maximum)) return maximum;
  constexpr size_t kBlock = 1024;
  double sum = 0;
  for (size_t at = 0; at < logits.size(); at += kBlock) {
    sum += sum_of_block(logits.data() + at, std::min(kBlock, logits.size() - at), maximum);
  }
  return static_cast<double>(maximum) + std::log(sum);
}

}  // namespace hre
