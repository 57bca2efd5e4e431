#include "stats/power.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <random>

#include "stats/summary.h"
#include "stats/test_table.h"

namespace hre {
namespace {

using testing::ElementsAre;
using testing_tables::near;
using testing_tables::read_table;
using Values = std::vector<double>;

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

TEST(Power, DeviationOfDifferences) {
  EXPECT_DOUBLE_EQ(paired_deviation(0.5, 0.5, 0.5), 0.5);
  EXPECT_DOUBLE_EQ(paired_deviation(3, 4, 0), 5);
  EXPECT_EQ(paired_deviation(0.3, 0.3, 1), 0);
}

TEST(Detection, AsInScipy) {
  const auto rows = read_table("detection");
  ASSERT_GE(rows.size(), 200U);
  for (const auto& row : rows) {
    SCOPED_TRACE(row.place);
    DetectionOptions options{.repeats = static_cast<int>(row.whole("repeats")), .seed = row.whole("seed")};
    for (const int threads : {1, 2}) {
      options.threads = threads;
      const auto curve = detection_curve(row.numbers("differences"), row.list<int64_t>("counts"), options);
      const Values rate = row.numbers("rate");
      const Values opposite = row.numbers("opposite");
      ASSERT_EQ(curve.size(), rate.size());
      for (size_t k = 0; k < rate.size(); ++k) {
        EXPECT_NEAR(curve[k].rate, rate[k], 1e-12);
        EXPECT_NEAR(curve[k].opposite, opposite[k], 1e-12);
      }
    }
  }
}

// Two ways to the same number: drawing questions, and the noncentral t for their mean and spread.
TEST(Detection, AgreesWithThePowerFormula) {
  std::mt19937 random(6);
  std::normal_distribution<double> normal(0.2, 1);
  Values differences(2000);
  for (double& value : differences) value = normal(random);
  const Moments m = moments(differences);
  const auto curve = detection_curve(differences, std::vector<int64_t>{20, 100, 200, 400}, {.repeats = 4000});
  for (const DetectionPoint& point : curve) {
    const double expected = paired_power(m.mean / std::sqrt(m.variance), point.n, 0.05);
    EXPECT_NEAR(point.rate + point.opposite, expected, 4 * std::sqrt(0.25 / 4000)) << point.n;
  }
}

TEST(Detection, EdgeCases) {
  EXPECT_THAT(detection_counts(0), ElementsAre());
  EXPECT_THAT(detection_counts(7), ElementsAre(7));
  EXPECT_THAT(detection_counts(10), ElementsAre(10));
  EXPECT_THAT(detection_counts(361), ElementsAre(10, 20, 50, 100, 200, 361));
  const auto none = detection_curve({}, std::vector<int64_t>{10}, {});
  EXPECT_EQ(none.at(0).rate, 0);
  const auto equal = detection_curve(Values{0.5, 0.5}, std::vector<int64_t>{1, 2}, {.repeats = 10});
  EXPECT_EQ(equal.at(0).rate, 0);
  EXPECT_NEAR(equal.at(1).rate, 1, 1e-12);
  const auto zero = detection_curve(Values{0, 0}, std::vector<int64_t>{2}, {.repeats = 10});
  EXPECT_EQ(zero.at(0).rate + zero.at(0).opposite, 0);
}

TEST(Detection, QuestionsForARate) {
  const std::vector<DetectionPoint> curve = {{10, 0.2, 0}, {20, 0.85, 0}, {50, 0.7, 0}, {100, 0.9, 0}, {200, 1, 0}};
  EXPECT_NEAR(*questions_for_rate(curve, 0.8), 75, 1e-9);
  EXPECT_EQ(questions_for_rate(curve, 0.1), 10);
  EXPECT_FALSE(questions_for_rate(std::span(curve).first(3), 0.8));
  EXPECT_FALSE(questions_for_rate({}, 0.8));
}

}  // namespace
}  // namespace hre
