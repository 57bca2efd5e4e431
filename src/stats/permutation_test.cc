#include "stats/permutation.h"

#include <gtest/gtest.h>

#include <cmath>
#include <random>

#include "stats/power.h"
#include "stats/test_table.h"

namespace hre {
namespace {

using testing_tables::near;
using testing_tables::read_table;
using Values = std::vector<double>;

TEST(Permutation, SignFlipsAsInScipyAndByCounting) {
  const auto rows = read_table("sign_flips");
  ASSERT_GE(rows.size(), 200U);
  for (const auto& row : rows) {
    SCOPED_TRACE(row.place);
    const PermutationOptions options{static_cast<int>(row.whole("permutations")), row.whole("seed")};
    const auto p = sign_flip_p(row.numbers("differences"), options);
    ASSERT_TRUE(p);
    EXPECT_EQ(p_method_name(p->method), row.text("method"));
    const double expected = *row.number("p");
    if (p->method == PMethod::kSaddlepoint) {
      EXPECT_NEAR(std::log(p->p) / std::log(expected), 1, 0.03);  // what docs/statistics.md says of it
    } else {
      EXPECT_TRUE(near(p->p, expected, 1e-12));
    }
  }
  EXPECT_FALSE(sign_flip_p({}, {}));
}

// Thirty values are gone through; with one more negligible value the same test is drawn.
TEST(Permutation, DrawnSignsComeNearTheExactAnswer) {
  std::mt19937 random(3);
  std::normal_distribution<double> normal(0.35, 1);
  for (int round = 0; round < 5; ++round) {
    Values differences(30);
    for (double& value : differences) value = normal(random);
    const auto exact = sign_flip_p(differences, {});
    differences.push_back(1e-9);
    const auto drawn = sign_flip_p(differences, {40000, 8});
    ASSERT_TRUE(exact->exact());
    ASSERT_FALSE(drawn->exact());
    EXPECT_NEAR(drawn->p, exact->p, 4 * std::sqrt(exact->p * (1 - exact->p) / 40000) + 1e-4);
  }
}

// Differences of values that are 0 or 1 have one size; the tail is summed term by term. Questions without a difference
// change nothing.
TEST(Permutation, DifferencesOfOneSizeAreBinomial) {
  for (const int n : {31, 200, 501}) {
    for (const int positive : {0, n / 4, n / 2 - 7, n / 2, n - 3}) {
      SCOPED_TRACE(std::to_string(positive) + " of " + std::to_string(n));
      Values differences(static_cast<size_t>(n) + 100, 0.0);
      for (int i = 0; i < n; ++i) differences[static_cast<size_t>(i)] = i < positive ? 1 : -1;
      const int fewer = std::min(positive, n - positive);
      double tail = 0, term = std::ldexp(1.0, -n);
      for (int k = 0; k <= fewer; ++k) {
        tail += term;
        term *= static_cast<double>(n - k) / (k + 1);
      }
      for (const double size : {1.0, 1.0 / 3}) {
        Values sized = differences;
        for (double& value : sized) value *= size;
        const auto p = sign_flip_p(sized, {});
        EXPECT_TRUE(p->exact());
        EXPECT_TRUE(near(p->p, std::min(1.0, 2 * tail), 1e-12)) << p->p;
      }
    }
  }
}

// 45 runs have 990 pairs: with a share of drawn signs alone, none of them could ever be told apart after the
// adjustment.
TEST(Permutation, PHasDigitsForManyTests) {
  std::mt19937 random(4);
  std::normal_distribution<double> normal(0.4, 1);
  Values differences(500);
  for (double& value : differences) value = normal(random);
  const auto p = sign_flip_p(differences, {});
  EXPECT_EQ(p->method, PMethod::kSaddlepoint);
  double sum = 0, squares = 0;
  for (const double value : differences) {
    sum += value;
    squares += value * value;
  }
  const double normal_p = std::erfc(sum / std::sqrt(2 * squares));  // of a sum with the same variance
  EXPECT_LT(normal_p, 1e-12);
  EXPECT_LT(p->p, normal_p);  // random signs have lighter tails than a normal
  EXPECT_LT(std::log(p->p) / std::log(normal_p), 1.2);
  std::vector<std::optional<double>> all(990, 0.5);
  all.front() = p->p;
  EXPECT_LT(*holm_adjust(all).front(), 1e-6);
}

TEST(Permutation, HolmAsInStatsmodels) {
  const auto rows = read_table("holm");
  ASSERT_GE(rows.size(), 200U);
  for (const auto& row : rows) {
    const auto adjusted = holm_adjust(row.optional_numbers("p"));
    const auto expected = row.optional_numbers("adjusted");
    ASSERT_EQ(adjusted.size(), expected.size()) << row.place;
    for (size_t i = 0; i < expected.size(); ++i) EXPECT_TRUE(near(adjusted[i], expected[i], 1e-14)) << row.place;
  }
}

TEST(Permutation, AreaUnderCurveAsInScikitLearn) {
  const auto rows = read_table("auc");
  ASSERT_GE(rows.size(), 200U);
  for (const auto& row : rows) {
    SCOPED_TRACE(row.place);
    const auto auc = area_under_curve(row.numbers("low"), row.numbers("high"), {});
    ASSERT_TRUE(auc);
    EXPECT_TRUE(near(auc->area, row.number("area"), 1e-14));
    EXPECT_TRUE(near(auc->p.p, row.number("p"), 1e-12));
    EXPECT_TRUE(auc->p.exact());
  }
  EXPECT_FALSE(area_under_curve({}, Values{1}, {}));
  EXPECT_FALSE(area_under_curve(Values{1}, Values{NAN}, {}));
  EXPECT_EQ(area_under_curve(Values{-INFINITY}, Values{INFINITY}, {})->area, 1);
}

TEST(Permutation, LargeGroupsAreDrawn) {
  Values low(20);
  Values high(20);
  for (size_t i = 0; i < 20; ++i) {
    low[i] = static_cast<double>(i);
    high[i] = static_cast<double>(i) + 0.5;
  }
  const auto alike = area_under_curve(low, high, {2000, 5});
  EXPECT_FALSE(alike->p.exact());
  EXPECT_GT(alike->p.p, 0.5);
  for (double& value : high) value += 100;
  EXPECT_EQ(area_under_curve(low, high, {2000, 5})->p.p, 2.0 / 2001);
  EXPECT_EQ(area_under_curve(low, high, {2000, 5})->area, 1);
}

TEST(Permutation, LongPairingsAreDrawn) {
  const Values x = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10};
  const auto statistic = [&](std::span<const size_t> order) {
    double sum = 0;
    for (size_t i = 0; i < order.size(); ++i) sum += x[i] * x[order[i]];
    return sum;
  };
  EXPECT_EQ(pairing_p(10, statistic, 0.5, {500, 1}), (PermutationP{2.0 / 501, PMethod::kDrawn}));
  // Nine can be gone through: only the order itself gives the largest sum.
  EXPECT_EQ(pairing_p(9, statistic, 0.5, {500, 1}), (PermutationP{2.0 / 362880, PMethod::kExact}));
}

}  // namespace
}  // namespace hre
