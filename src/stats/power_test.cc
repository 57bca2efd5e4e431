#include "stats/power.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "stats/distributions.h"
#include "stats/test_table.h"

namespace hre {
namespace {

using testing::ElementsAre;
using testing_tables::near;
using testing_tables::read_table;

TEST(Power, AsInStatsmodels) {
  const auto rows = read_table("power");
  ASSERT_GE(rows.size(), 200U);
  for (const auto& row : rows) {
    SCOPED_TRACE(row.place);
    const auto n = static_cast<int64_t>(row.whole("n"));
    const double effect = *row.number("effect");
    const double alpha = *row.number("alpha");
    EXPECT_TRUE(near(paired_power(effect, n, alpha), row.number("power"), 1e-8));
    if (n > 2) {
      EXPECT_TRUE(near(detectable_effect(n, {.alpha = alpha}), row.number("detectable"), 1e-6));
    }
    const auto needed = questions_needed(effect, {.alpha = alpha});
    EXPECT_TRUE(near(needed ? std::optional<double>(*needed) : std::nullopt, row.number("needed"), 0));
  }
}

TEST(Power, IsItsOwnInverse) {
  for (const int64_t n : {2, 3, 20, 7000, 1000000}) {
    EXPECT_NEAR(paired_power(*detectable_effect(n, {}), n, 0.05), 0.8, 1e-9) << n;
  }
  EXPECT_EQ(paired_power(1, 1, 0.05), 0);
  EXPECT_FALSE(detectable_effect(1, {}));
  EXPECT_FALSE(questions_needed(0, {}));
  EXPECT_EQ(questions_needed(-0.1, {}), questions_needed(0.1, {}));
}

/// Few questions and a small level: noncentralities that Boost's series gives up on. Of two questions T' is a ratio of
/// a normal and a half-normal variable, which far out is 1 / |z|: P(T' > t) is P(|z| < delta / t).
TEST(Power, OfTwoQuestionsAtSmallLevels) {
  for (const double alpha : {1e-4, 1e-6, 1e-9}) {
    const auto effect = detectable_effect(2, {.alpha = alpha});
    ASSERT_TRUE(effect) << alpha;
    EXPECT_NEAR(paired_power(*effect, 2, alpha), 0.8, 1e-9) << alpha;
    const double t = student_t_quantile(1 - alpha / 2, 1);
    EXPECT_NEAR(*effect * std::sqrt(2), normal_quantile(0.9) * t, 1e-4 * t) << alpha;
  }
  for (const int64_t n : {2, 3, 5, 30, 1000, 1000000}) {
    for (const double alpha : {1e-9, 1e-3, 0.5}) {
      for (const double power : {0.5, 0.999999}) {
        const auto effect = detectable_effect(n, {.alpha = alpha, .power = power});
        ASSERT_TRUE(effect) << n << ' ' << alpha;
        EXPECT_NEAR(paired_power(*effect, n, alpha), power, 1e-6) << n << ' ' << alpha << ' ' << power;
      }
    }
  }
}

TEST(Power, NoncentralityBeyondTheSeriesGoesOn) {
  for (const double df : {1.0, 4.0, 100.0}) {
    double before = noncentral_t_cdf(9e4, df, 8e4);
    for (double delta = 8e4; delta < 1.1e5; delta *= 1.01) {  // Boost ends at 92681
      const double value = noncentral_t_cdf(9e4, df, delta);
      EXPECT_LT(value, before + 1e-6) << df << ' ' << delta;
      EXPECT_GT(value, before - 0.15) << df << ' ' << delta;
      before = value;
    }
    EXPECT_NEAR(noncentral_t_cdf(9e4, df, 92680), noncentral_t_cdf(9e4, df, 92682), 1e-3) << df;
    EXPECT_NEAR(noncentral_t_cdf(-9e4, df, -1e5) + noncentral_t_cdf(9e4, df, 1e5), 1, 1e-9) << df;
  }
}

TEST(Power, DeviationOfDifferences) {
  EXPECT_DOUBLE_EQ(paired_deviation(0.5, 0.5, 0.5), 0.5);
  EXPECT_DOUBLE_EQ(paired_deviation(3, 4, 0), 5);
  EXPECT_EQ(paired_deviation(0.3, 0.3, 1), 0);
}

TEST(Effect, PowerAsByIntegration) {
  const auto rows = read_table("effect");
  ASSERT_GE(rows.size(), 200U);
  for (const auto& row : rows) {
    SCOPED_TRACE(row.place);
    const auto n = static_cast<int64_t>(row.whole("n"));
    const double effect = *row.number("effect");
    const std::vector<int64_t> counts = {n};
    const DetectionPoint point = detection_curve(effect, {effect - 0.1, effect + 0.1}, counts, 0.05).front();
    EXPECT_TRUE(near(point.rate, row.number("upper_power"), 1e-7));
    EXPECT_LE(point.rate95.low, point.rate);
    EXPECT_GE(point.rate95.high, point.rate);
    EXPECT_NEAR(point.rate + point.opposite, paired_power(effect, n, 0.05), 1e-9);
  }
}

TEST(Effect, IntervalsAsByNumericalDerivatives) {
  const auto rows = read_table("effect_intervals");
  ASSERT_GE(rows.size(), 20U);
  for (const auto& row : rows) {
    SCOPED_TRACE(row.place);
    const Weights weights = row.text("weights") == "topics" ? Weights::kTopics : Weights::kQuestions;
    const auto interval = effect_interval(row.numbers("differences"), row.list<size_t>("sizes"), weights);
    ASSERT_TRUE(interval);
    EXPECT_TRUE(near((interval->low + interval->high) / 2, row.number("effect"), 1e-9));
    EXPECT_TRUE(near(interval->low, row.number("low"), 1e-6));
    EXPECT_TRUE(near(interval->high, row.number("high"), 1e-6));
  }
}

TEST(Effect, HasAnIntervalFromSoManyQuestions) {
  std::vector<double> values;
  while (values.size() + 1 < kFewestForEffect) values.push_back(values.size() % 3 == 0 ? 0.4 : -0.1);
  EXPECT_FALSE(effect_interval(values, std::vector<size_t>{values.size()}, Weights::kQuestions));
  values.push_back(0);
  EXPECT_TRUE(effect_interval(values, std::vector<size_t>{values.size()}, Weights::kQuestions));
  const std::vector<double> equal(300, 0.1);
  EXPECT_FALSE(effect_interval(equal, std::vector<size_t>{300}, Weights::kQuestions)) << "no spread";
}

TEST(Effect, QuestionsForIt) {
  const QuestionsForEffect clear = questions_for_effect(0.2, {0.1, 0.3}, {});
  EXPECT_EQ(clear.n, questions_needed(0.2, {}));
  EXPECT_EQ(clear.low, questions_needed(0.3, {}));
  EXPECT_EQ(clear.high, questions_needed(0.1, {}));
  const QuestionsForEffect unclear = questions_for_effect(0.05, {-0.05, 0.15}, {});
  EXPECT_TRUE(unclear.n && unclear.low);
  EXPECT_FALSE(unclear.high) << "the interval holds 0: no number is enough for sure";
  EXPECT_EQ(questions_for_effect(-0.2, {-0.3, -0.1}, {}).high, clear.high);
}

TEST(Detection, Counts) {
  EXPECT_THAT(detection_counts(0), ElementsAre());
  EXPECT_THAT(detection_counts(7), ElementsAre(7));
  EXPECT_THAT(detection_counts(10), ElementsAre(10));
  EXPECT_THAT(detection_counts(361), ElementsAre(10, 20, 50, 100, 200, 361));
  EXPECT_EQ(detection_curve(1, {0.5, 1.5}, std::vector<int64_t>{1}, 0.05).front().rate, 0);
}

}  // namespace
}  // namespace hre
