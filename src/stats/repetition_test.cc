#include "stats/repetition.h"

#include <gtest/gtest.h>

#include <array>
#include <cmath>

#include "stats/estimate.h"
#include "stats/grouped.h"
#include "stats/random.h"
#include "stats/test_table.h"

namespace hre {
namespace {

struct Measured {
  std::vector<double> means;
  std::vector<Repeats> repeats;
};

// Items of 0 and 1 whose chance of 1 is uniform: a variance of 1/12 between items, and of 1/6 within them.
Measured measure(uint64_t seed, uint64_t draw, std::span<const int64_t> times) {
  RandomStream random(seed, RandomPurpose::kSimulation, draw);
  Measured measured;
  for (const int64_t n : times) {
    const double chance = random.uniform();
    double ones = 0;
    for (int64_t k = 0; k < n; ++k) ones += random.uniform() < chance ? 1 : 0;
    const double mean = ones / static_cast<double>(n);
    measured.means.push_back(mean);
    measured.repeats.push_back(
        {n, n < 2 ? 0 : mean * (1 - mean) * static_cast<double>(n) / static_cast<double>(n - 1)});
  }
  return measured;
}

// Over many logs, the parts' squares are on average what the items and the measurements do to the mean, and together
// the variance that the mean has from log to log.
void check_parts(std::span<const int64_t> times, double truth_items, double truth_measurements) {
  constexpr uint64_t kSeed = 20261130;
  SCOPED_TRACE(kSeed);
  constexpr int kLogs = 4000;
  const std::array<size_t, 1> sizes = {times.size()};
  double items = 0, measurements = 0;
  std::vector<double> means;
  for (int log = 0; log < kLogs; ++log) {
    const Measured measured = measure(kSeed, static_cast<uint64_t>(log), times);
    const Estimate estimate = mean_estimate(measured.means);
    const auto variances = measurement_variances(measured.repeats);
    ASSERT_TRUE(variances);
    const RepetitionParts parts = repetition_parts(*estimate.stderr_, *variances, sizes, Weights::kQuestions);
    EXPECT_NEAR(parts.items * parts.items + parts.measurements * parts.measurements,
                *estimate.stderr_ * *estimate.stderr_, 1e-15);
    items += parts.items * parts.items / kLogs;
    measurements += parts.measurements * parts.measurements / kLogs;
    means.push_back(*estimate.mean);
  }
  EXPECT_NEAR(items, truth_items, 0.02 * truth_items);
  EXPECT_NEAR(measurements, truth_measurements, 0.02 * truth_measurements);
  const double truth = truth_items + truth_measurements;
  EXPECT_NEAR(moments(means).variance, truth, 0.1 * truth);  // of 4,000: a standard deviation of 2.2 %
}

TEST(Repetition, EqualTimes) {
  const std::vector<int64_t> times(100, 4);
  check_parts(times, 1.0 / 12 / 100, 1.0 / 6 / 4 / 100);
}

TEST(Repetition, UnequalTimesAndOnce) {
  std::vector<int64_t> times;
  double within = 0;
  for (int i = 0; i < 100; ++i) {
    times.push_back(1 + i % 5);
    within += 1.0 / 6 / static_cast<double>(times.back()) / 1e4;
  }
  check_parts(times, 1.0 / 12 / 100, within);
}

TEST(Repetition, AsNumpy) {
  size_t known = 0;
  for (const auto& row : testing_tables::read_table("repetition")) {
    SCOPED_TRACE(row.place);
    const testing_tables::Topics items = testing_tables::topics_of(row, "measurements");  // a list per item
    std::vector<Repeats> repeats;
    for_each_topic(items.sizes, [&](size_t, size_t begin, size_t n) {
      repeats.push_back({static_cast<int64_t>(n), moments(std::span(items.values).subspan(begin, n)).variance});
    });
    const auto variances = measurement_variances(repeats);
    ASSERT_EQ(variances.has_value(), row.number("within").has_value());
    if (!variances) continue;
    ++known;
    const auto parts = repetition_parts(*row.number("error"), *variances, row.list<size_t>("sizes"),
                                        row.text("weights") == "topics" ? Weights::kTopics : Weights::kQuestions);
    EXPECT_TRUE(testing_tables::near(parts.measurements, row.number("within"), 1e-12));
    EXPECT_TRUE(testing_tables::near(parts.items, row.number("items"), 1e-7));  // a root near 0 loses digits
  }
  EXPECT_GT(known, 150U);
}

TEST(Repetition, NothingIsKnownOfSingleMeasurements) {
  EXPECT_FALSE(measurement_variances({}));
  EXPECT_FALSE(measurement_variances(std::vector<Repeats>{{1, 0}, {0, 0}}));
}

TEST(Repetition, EqualMeasurementsLeaveNothing) {
  const auto variances = measurement_variances(std::vector<Repeats>{{3, 0}, {3, 0}, {1, 0}});
  ASSERT_TRUE(variances);
  const std::array<size_t, 1> sizes = {3};
  const RepetitionParts parts = repetition_parts(0.25, *variances, sizes, Weights::kQuestions);
  EXPECT_EQ(parts.measurements, 0);
  EXPECT_EQ(parts.items, 0.25);
}

// Topics of the same weight: shares of 1/4, 1/4 and 1/2.
TEST(Repetition, WeightsOfTopics) {
  const std::array<size_t, 2> sizes = {2, 1};
  const std::vector<double> variances = {0.16, 0.16, 0.04};
  const RepetitionParts parts = repetition_parts(0.5, variances, sizes, Weights::kTopics);
  EXPECT_NEAR(parts.measurements, std::sqrt(0.16 / 16 + 0.16 / 16 + 0.04 / 4), 1e-15);
  EXPECT_NEAR(parts.items, std::sqrt(0.25 - 0.03), 1e-15);
  EXPECT_EQ(repetition_parts(0.1, variances, sizes, Weights::kTopics).items, 0) << "measurements vary more than means";
}

}  // namespace
}  // namespace hre
