#include "report/number_text.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

namespace hre {
namespace {

Estimate estimate(double mean, double half) {
  Estimate e;
  e.n = 100;
  e.mean = mean;
  e.stderr_ = half / 2;
  e.ci_low = mean - half;
  e.ci_high = mean + half;
  return e;
}

TEST(NumberText, AMeanHasTwoDigitsOfItsError) {
  EXPECT_EQ(with_error(estimate(0.15712, 0.1415)), "0.16 ± 0.14");
  EXPECT_EQ(with_error(estimate(0.39472, 0.0863)), "0.395 ± 0.086");
  EXPECT_EQ(with_error(estimate(0.0026, 0.0116)), "0.003 ± 0.012");
  EXPECT_EQ(with_error(estimate(-0.0001, 0.14)), "0.00 ± 0.14") << "no minus before zero";
  EXPECT_EQ(with_error(estimate(12.3, 25)), "12 ± 25");
  EXPECT_EQ(percent_with_error(estimate(0.656, 0.0413)), "65.6 ± 4.1 %");
  EXPECT_EQ(with_error(Estimate()), "–");
  EXPECT_EQ(percent_with_error(Estimate()), "–");
  Estimate few = estimate(0.3161, 0.2);
  few.ci_low = few.ci_high = std::nullopt;
  EXPECT_EQ(with_error(few), "0.32") << "the digits are those of the standard error, 0.1";
  few.stderr_ = 0.0002;
  EXPECT_EQ(with_error(few), "0.32") << "of a few questions, small by chance";
  EXPECT_EQ(percent_with_error(few), "31.6 %");
  few.stderr_ = std::nullopt;
  EXPECT_EQ(with_error(few), "0.316");
}

TEST(NumberText, AnIntervalHasTheDigitsOfItsHalf) {
  EXPECT_EQ(with_interval(0.02824, Interval{-0.06124, 0.11774}), "0.028 [-0.061, 0.118]");
  EXPECT_EQ(with_interval(0.5, std::nullopt), "0.500");
  EXPECT_EQ(with_interval(std::nullopt, Interval{0, 1}), "–");
}

TEST(NumberText, ErrorsThatAreNone) {
  EXPECT_EQ(decimals_for(0), 3);
  EXPECT_EQ(decimals_for(-1), 3);
  EXPECT_EQ(decimals_for(std::numeric_limits<double>::quiet_NaN()), 3);
  EXPECT_EQ(decimals_for(std::numeric_limits<double>::infinity()), 3);
  EXPECT_EQ(decimals_for(1e-30), 12);
  EXPECT_EQ(decimals_for(1e30), 0);
}

TEST(NumberText, ProbabilitiesAndPlainNumbers) {
  EXPECT_EQ(p_text(0.5299), "0.53");
  EXPECT_EQ(p_text(0.00312), "0.0031");
  EXPECT_EQ(p_text(1), "1.0");
  EXPECT_EQ(p_text(0.00001), "< 0.0001");
  EXPECT_EQ(p_equals(0.00001), "p < 0.0001");
  EXPECT_EQ(p_equals(0.25), "p = 0.25");
  EXPECT_EQ(p_text(0.5, true), "0.50 (exact)");
  EXPECT_EQ(significant(0.00771), "0.0077");
  EXPECT_EQ(significant(0.0), "0");
  EXPECT_EQ(two_decimals(-0.001), "0.00");
  EXPECT_EQ(two_decimals(std::nullopt), "–");
}

TEST(NumberText, RatesHaveNoExponent) {
  EXPECT_EQ(format_rate(0.5312), "0.531");
  EXPECT_EQ(format_rate(12.44), "12.4");
  EXPECT_EQ(format_rate(999.7), "1000");
  EXPECT_EQ(format_rate(5561.2), "5,560");
  EXPECT_EQ(format_rate(1234567), "1,230,000");
  EXPECT_EQ(format_rate(0), "0");
}

}  // namespace
}  // namespace hre
