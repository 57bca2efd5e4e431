#include "model/log_softmax.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <random>
#include <vector>

namespace hre {
namespace {

double plain(const std::vector<float>& logits) {
  long double maximum = -std::numeric_limits<long double>::infinity(), sum = 0;
  for (const float x : logits) maximum = std::max<long double>(maximum, x);
  for (const float x : logits) sum += std::exp(static_cast<long double>(x) - maximum);
  return static_cast<double>(maximum + std::log(sum));
}

TEST(LogSumExp, EqualsThePlainSum) {
  const unsigned seed = std::random_device()();
  SCOPED_TRACE(seed);
  std::mt19937 random(seed);
  for (const size_t n : {1, 2, 15, 16, 17, 512, 50304, 152064}) {
    for (const float spread : {0.0F, 1.0F, 10.0F, 60.0F}) {
      std::vector<float> logits(n);
      std::normal_distribution<float> normal(3 * spread, spread);
      for (float& x : logits) x = spread == 0 ? 7.5F : normal(random);
      EXPECT_NEAR(log_sum_exp(logits), plain(logits), 1e-6 + 1e-7 * std::abs(plain(logits))) << n << " " << spread;
    }
  }
}

TEST(LogSumExp, OddValues) {
  const float inf = std::numeric_limits<float>::infinity(), nan = std::numeric_limits<float>::quiet_NaN();
  EXPECT_DOUBLE_EQ(log_sum_exp(std::vector<float>{3, -inf}), 3);
  EXPECT_DOUBLE_EQ(log_sum_exp(std::vector<float>{-inf, -inf}), -inf);
  EXPECT_TRUE(std::isnan(log_sum_exp(std::vector<float>{1, nan, 2})));
  EXPECT_DOUBLE_EQ(log_sum_exp(std::vector<float>{1, inf}), inf);
  EXPECT_NEAR(log_sum_exp(std::vector<float>{1e30F, -1e30F}), 1e30F, 1e23);
}

}  // namespace
}  // namespace hre
