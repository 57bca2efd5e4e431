#include "stats/bootstrap.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <numeric>
#include <random>

#include "stats/distributions.h"
#include "stats/estimate.h"
#include "stats/random.h"
#include "stats/test_table.h"

namespace hre {
namespace {

using testing_tables::near;
using testing_tables::read_table;
using testing_tables::topics_of;
using Values = std::vector<double>;
using Sizes = std::vector<size_t>;

TEST(Bootstrap, BcaAsInScipy) {
  const auto rows = read_table("bca");
  ASSERT_GE(rows.size(), 200U);
  for (const auto& row : rows) {
    SCOPED_TRACE(row.place);
    Values pull = row.numbers("values");
    const double mean = moments(pull).mean;
    for (double& value : pull) value -= mean;
    EXPECT_TRUE(near(acceleration(pull), row.number("acceleration"), 1e-9));
    const auto interval =
        bca_interval(row.numbers("draws"), *row.number("value"), *row.number("acceleration"), normal_quantile(0.975));
    EXPECT_TRUE(near(interval->low, row.number("ci_low"), 1e-12));
    EXPECT_TRUE(near(interval->high, row.number("ci_high"), 1e-12));
  }
}

TEST(Bootstrap, DrawsAndIntervalsAsInNumpy) {
  const auto rows = read_table("bootstrap");
  ASSERT_GE(rows.size(), 200U);
  for (const auto& row : rows) {
    SCOPED_TRACE(row.place);
    const auto topics = topics_of(row, "values");
    BootstrapOptions options;
    options.weights = row.text("weights") == "topics" ? Weights::kTopics : Weights::kQuestions;
    options.seed = row.whole("seed");
    options.draws = static_cast<int>(row.whole("draws"));
    EXPECT_TRUE(near(weighted_mean(topics.values, topics.sizes, options.weights), row.number("mean"), 1e-12));

    const std::span<const double> runs[] = {topics.values};
    const BootstrapDraws draws = bootstrap_means(runs, topics.sizes, options);
    const Values expected = row.numbers("deviations");
    for (size_t i = 0; i < expected.size(); ++i) EXPECT_NEAR(draws.at(i, 0), expected[i], 1e-10) << "draw " << i;

    const auto interval = bootstrap_interval(topics.values, topics.sizes, options);
    ASSERT_EQ(interval.has_value(), row.number("ci_low").has_value());
    if (!interval) continue;
    EXPECT_TRUE(near(interval->low, row.number("ci_low"), 1e-10));
    EXPECT_TRUE(near(interval->high, row.number("ci_high"), 1e-10));
  }
}

TEST(Bootstrap, ThreadsChangeNothing) {
  std::mt19937 random(1);
  std::normal_distribution<double> normal;
  const Sizes sizes = {17, 0, 5, 40};
  std::vector<Values> values(5, Values(62));
  for (Values& run : values) std::ranges::generate(run, [&] { return normal(random); });
  const std::vector<std::span<const double>> runs(values.begin(), values.end());
  BootstrapOptions options{.draws = 101, .seed = 3, .threads = 1};
  const BootstrapDraws one = bootstrap_means(runs, sizes, options);
  for (const int threads : {2, 3, 7}) {
    options.threads = threads;
    EXPECT_EQ(bootstrap_means(runs, sizes, options).deviations, one.deviations) << threads;
  }
}

// Any number of runs: the columns of a joint draw are each run's own draws.
TEST(Bootstrap, RunsShareTheirDraws) {
  std::mt19937 random(2);
  std::normal_distribution<double> normal;
  const Sizes sizes = {9, 4};
  const BootstrapOptions options{.draws = 20, .seed = 4, .threads = 1};
  for (const size_t n : {1, 3, 4, 5, 8, 20, 21, 33, 47}) {
    std::vector<Values> values(n, Values(13));
    for (Values& run : values) std::ranges::generate(run, [&] { return normal(random); });
    const std::vector<std::span<const double>> runs(values.begin(), values.end());
    const BootstrapDraws joint = bootstrap_means(runs, sizes, options);
    for (size_t run = 0; run < n; ++run) {
      EXPECT_EQ(joint.column(run), bootstrap_means({&runs[run], 1}, sizes, options).column(0)) << n << ' ' << run;
    }
    Values difference(13);
    std::ranges::transform(values.front(), values.back(), difference.begin(), std::minus<>());
    const std::span<const double> differences[] = {difference};
    const Values expected = bootstrap_means(differences, sizes, options).column(0);
    const Values actual = joint.difference(0, n - 1);
    for (size_t i = 0; i < expected.size(); ++i) EXPECT_NEAR(actual[i], expected[i], 1e-14);
  }
}

TEST(Bootstrap, InfluenceGivesTheStandardErrors) {
  std::mt19937 random(5);
  std::normal_distribution<double> normal;
  const Sizes sizes = {17, 22, 30};
  Values values(69);
  std::ranges::generate(values, [&] { return normal(random); });
  const Values pull = influence(values, sizes, Weights::kTopics);
  const std::span<const double> all = values;
  const Estimate topics[] = {mean_estimate(all.first(17)), mean_estimate(all.subspan(17, 22)),
                             mean_estimate(all.subspan(39))};
  const Estimate macro = mean_of_means(topics);
  const double stderr_of_pull = std::sqrt(std::inner_product(pull.begin(), pull.end(), pull.begin(), 0.0));
  EXPECT_NEAR(stderr_of_pull, *macro.stderr_, 1e-14);
  EXPECT_NEAR(weighted_mean(values, sizes, Weights::kTopics), *macro.mean, 1e-14);
  const double t = student_t_quantile(0.975, *degrees_of_freedom(pull, sizes, Weights::kTopics));
  EXPECT_NEAR(t * *macro.stderr_, *macro.ci_high - *macro.mean, 1e-12);
}

TEST(Bootstrap, SmallAndConstant) {
  const BootstrapOptions options{.draws = 50, .seed = 1, .threads = 1};
  EXPECT_FALSE(bootstrap_interval({}, {}, options));
  EXPECT_FALSE(bootstrap_interval(Values{1}, Sizes{1}, options));
  EXPECT_FALSE(bootstrap_interval(Values{0.3, 0.3, 0.1 + 0.2}, Sizes{3}, options)) << "equal values tell no spread";
  Values values(30);
  for (size_t i = 0; i < values.size(); ++i) values[i] = static_cast<double>(i * 7 % 11);
  const std::span<const double> all = values;
  EXPECT_FALSE(bootstrap_interval(all.first(29), Sizes{29}, options)) << "too few";
  const auto interval = bootstrap_interval(all, Sizes{30}, options);
  ASSERT_TRUE(interval);
  EXPECT_TRUE(interval->contains(weighted_mean(all, Sizes{30}, Weights::kQuestions)));
  EXPECT_FALSE(bca_interval({}, 0, 0, 1.96));
  EXPECT_EQ(acceleration(Values{0, 0}), 0);
  // Topics of one question: each other's spread, or the smallest other topic's, or none.
  Sizes ones(31, 1);
  ones[5] = 0;
  EXPECT_EQ(bootstrap_interval(all, ones, options), interval);
  EXPECT_TRUE(bootstrap_interval(all, Sizes{29, 1}, options));
  BootstrapOptions macro = options;
  macro.weights = Weights::kTopics;
  EXPECT_FALSE(bootstrap_interval(all, Sizes{29, 1}, macro));
  const BootstrapOptions none{.draws = 0};
  EXPECT_FALSE(bootstrap_interval(values, Sizes{30}, none));
}

}  // namespace
}  // namespace hre
