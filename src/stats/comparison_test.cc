#include "stats/comparison.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <random>

#include "stats/bootstrap.h"
#include "stats/estimate.h"
#include "stats/test_simulation.h"
#include "stats/test_table.h"

namespace hre {
namespace {

using testing::ElementsAre;
using testing_tables::near;
using Values = std::vector<double>;
using Sizes = std::vector<size_t>;
using Groups = std::vector<std::vector<size_t>>;

// Correlations that two runs share in part: question difficulty plus each run's own noise.
std::vector<Values> related_runs(size_t runs, size_t questions, double step, unsigned seed) {
  std::mt19937 random(seed);
  std::normal_distribution<double> normal;
  Values difficulty(questions);
  for (double& value : difficulty) value = normal(random);
  std::vector<Values> values(runs, Values(questions));
  for (size_t run = 0; run < runs; ++run) {
    for (size_t i = 0; i < questions; ++i) {
      values[run][i] = std::tanh(0.6 * difficulty[i] + 0.3 * normal(random) + step * static_cast<double>(run));
    }
  }
  return values;
}

std::vector<std::span<const double>> spans(const std::vector<Values>& values) { return {values.begin(), values.end()}; }

TEST(Comparison, CountsAndMeans) {
  const Values a = {0.5, 0.25, 1, -1};
  const Values b = {0.25, 0.25, 0.5, 0};
  const PairedComparison result = compare_paired(a, b, Sizes{4}, {.draws = 200, .threads = 1});
  EXPECT_EQ(result.won, 2);
  EXPECT_EQ(result.tied, 1);
  EXPECT_EQ(result.lost, 1);
  EXPECT_EQ(result.mean_a, 0.1875);
  EXPECT_EQ(result.mean_b, 0.25);
  EXPECT_EQ(result.difference.mean, -0.0625);
  EXPECT_EQ(result.difference.n, 4);
  // Differences 0.25, 0, 0.5, -1: squared deviations add up to 1.3125 - 4 / 256.
  const double deviation = std::sqrt((1.3125 - 0.015625) / 3);
  EXPECT_NEAR(*result.effect_size, -0.0625 / deviation, 1e-15);
  EXPECT_NEAR(*result.difference.stderr_, deviation / 2, 1e-15);
  EXPECT_FALSE(interval_of(result)) << "of so few it would be too narrow";
  // |sum| >= 0.25 for all eight signs of 0.25, 0.5, 1.
  EXPECT_EQ(result.p, 1);
  EXPECT_TRUE(result.p_exact());
  EXPECT_FALSE(result.p_holm);
}

TEST(Comparison, TableOfScipyAndAllSigns) {
  const auto rows = testing_tables::read_table("paired");
  ASSERT_GE(rows.size(), 200U);
  for (const auto& row : rows) {
    SCOPED_TRACE(row.place);
    const auto a = testing_tables::topics_of(row, "a");
    const auto b = testing_tables::topics_of(row, "b");
    const PairedComparison result = compare_paired(a.values, b.values, a.sizes, {.draws = 50, .threads = 1});
    EXPECT_TRUE(near(result.difference.mean, row.number("difference"), 1e-12));
    EXPECT_TRUE(near(result.difference.stderr_, row.number("stderr"), 1e-11));
    EXPECT_TRUE(near(result.difference.ci_low, row.number("ci_low"), 1e-10));
    EXPECT_TRUE(near(result.difference.ci_high, row.number("ci_high"), 1e-10));
    EXPECT_TRUE(near(result.p, row.number("p"), 1e-12));
    EXPECT_TRUE(result.p_exact());
    EXPECT_TRUE(near(result.effect_size, row.number("effect_size"), 1e-9));
    EXPECT_EQ(result.won, static_cast<int64_t>(row.whole("won")));
    EXPECT_EQ(result.tied, static_cast<int64_t>(row.whole("tied")));
    EXPECT_EQ(result.lost, static_cast<int64_t>(row.whole("lost")));
  }
}

// Of 199 questions that hardly differ, rare large losses may not have been seen.
TEST(Comparison, FewAlikeQuestionsHaveNoInterval) {
  for (const size_t n : {size_t{199}, size_t{200}}) {
    for (const double step : {0.01, 0.2}) {
      Values a(n), b(n, 0);
      for (size_t i = 0; i < n; ++i) a[i] = step * static_cast<double>(i % 5);
      const PairedComparison of_correlations = compare_paired(a, b, Sizes{n}, {.draws = 100, .threads = 1, .range = 2});
      EXPECT_EQ(interval_of(of_correlations).has_value(), n == 200 || step > 0.1) << n << ' ' << step;
      EXPECT_EQ(of_correlations.difference.ci_low.has_value(), n == 200 || step > 0.1) << n << ' ' << step;
      EXPECT_TRUE(of_correlations.p && of_correlations.difference.stderr_);
      EXPECT_TRUE(interval_of(compare_paired(a, b, Sizes{n}, {.draws = 100, .threads = 1}))) << "without bounds";
      const std::vector<Values> runs = {a, b};
      const auto pair = compare_many(spans(runs), Sizes{n}, {.draws = 100, .threads = 1, .range = 2}).pairs.front();
      EXPECT_EQ(interval_of(pair.comparison).has_value(), interval_of(of_correlations).has_value());
    }
  }
}

TEST(Comparison, OfRunsWithThemselvesAndOfNothing) {
  const Values a = {0.5, 0.25, 1};
  const PairedComparison same = compare_paired(a, a, Sizes{3}, {.draws = 20});
  EXPECT_EQ(same.p, 1);
  EXPECT_EQ(same.tied, 3);
  EXPECT_FALSE(same.effect_size);
  EXPECT_FALSE(same.bootstrap) << "equal values tell no spread";
  const PairedComparison nothing = compare_paired({}, {}, Sizes{}, {.draws = 20});
  EXPECT_FALSE(nothing.p || nothing.bootstrap || nothing.difference.mean || nothing.effect_size || nothing.mean_a);
  const PairedComparison one = compare_paired(Values{1}, Values{0}, Sizes{1}, {.draws = 20});
  EXPECT_EQ(one.p, 1);
  EXPECT_FALSE(one.bootstrap || one.difference.stderr_ || one.effect_size);
}

TEST(Comparison, TopicsOfEqualWeight) {
  const Values a = {1, 1, 1, 1, 0, 0.5};
  const Values b = {0, 0, 0.5, 0.5, 1, 1};
  const ComparisonOptions options{.weights = Weights::kTopics, .draws = 500, .threads = 1};
  const PairedComparison result = compare_paired(a, b, Sizes{4, 2}, options);
  EXPECT_EQ(result.difference.mean, 0);
  EXPECT_EQ(result.difference.n, 2);
  EXPECT_EQ(result.p, 1);
  EXPECT_GT(compare_paired(a, b, Sizes{4, 2}, {.draws = 500, .threads = 1}).difference.mean, 0.2);
}

TEST(Comparison, TopicsAdjustedByHolm) {
  const auto runs = related_runs(2, 90, 0.3, 11);
  const ComparisonOptions options{.draws = 200, .permutations = 999, .threads = 1};
  const auto topics = compare_topics(runs[0], runs[1], Sizes{30, 0, 20, 40}, options);
  ASSERT_EQ(topics.size(), 4U);
  EXPECT_FALSE(topics[1].p || topics[1].p_holm);
  std::vector<std::optional<double>> p;
  for (const auto& topic : topics) p.push_back(topic.p);
  const auto adjusted = holm_adjust(p);
  for (size_t i = 0; i < topics.size(); ++i) EXPECT_EQ(topics[i].p_holm, adjusted[i]);
  const std::span<const double> a = runs[0];
  const std::span<const double> b = runs[1];
  const auto third = compare_paired(a.subspan(30, 20), b.subspan(30, 20), Sizes{20}, options);
  EXPECT_EQ(topics[2].p, third.p);
  EXPECT_EQ(topics[2].bootstrap, third.bootstrap);
}

void expect_same(const PairedComparison& actual, const PairedComparison& expected) {
  EXPECT_EQ(actual.p, expected.p);
  EXPECT_EQ(actual.effect_size, expected.effect_size);
  EXPECT_EQ(actual.difference.mean, expected.difference.mean);
  EXPECT_NEAR(actual.bootstrap->low, expected.bootstrap->low, 1e-12);
  EXPECT_NEAR(actual.bootstrap->high, expected.bootstrap->high, 1e-12);
}

TEST(Comparison, AllPairsAreThePairs) {
  const auto values = related_runs(4, 60, 0.05, 12);
  const auto runs = spans(values);
  const Sizes sizes = {25, 35};
  const ComparisonOptions options{.draws = 400, .permutations = 999, .threads = 1};
  const ManyComparison many = compare_many(runs, sizes, options);
  ASSERT_EQ(many.pairs.size(), 6U);
  for (const PairOfRuns& pair : many.pairs) {
    expect_same(pair.comparison, compare_paired(runs[pair.a], runs[pair.b], sizes, options));
    EXPECT_GE(pair.comparison.p_holm, pair.comparison.p);
  }
}

TEST(Comparison, ThreadsChangeNothing) {
  const auto values = related_runs(5, 60, 0.1, 13);
  const auto runs = spans(values);
  const Sizes sizes = {25, 35};
  const ManyComparison one = compare_many(runs, sizes, {.draws = 300, .permutations = 500, .threads = 1});
  const ManyComparison two = compare_many(runs, sizes, {.draws = 300, .permutations = 500, .threads = 2});
  for (size_t i = 0; i < one.pairs.size(); ++i) {
    EXPECT_EQ(one.pairs[i].comparison.p_holm, two.pairs[i].comparison.p_holm);
    EXPECT_EQ(one.pairs[i].comparison.bootstrap, two.pairs[i].comparison.bootstrap);
  }
  for (size_t i = 0; i < 5; ++i) EXPECT_EQ(one.ranks[i].interval, two.ranks[i].interval);
  EXPECT_EQ(one.groups, two.groups);
}

TEST(Comparison, RanksOfRunsFarApartAndOfEqualOnes) {
  auto values = related_runs(3, 200, 0.8, 14);
  values.push_back(values[2]);  // the best one twice
  const ManyComparison many = compare_many(spans(values), Sizes{200}, {.draws = 500, .permutations = 999});
  EXPECT_EQ(many.ranks[0].interval, (Interval{4, 4}));
  EXPECT_EQ(many.ranks[1].interval, (Interval{3, 3}));
  EXPECT_EQ(many.ranks[2].rank, 1.5);
  EXPECT_EQ(many.ranks[2].interval, (Interval{1, 2}));
  EXPECT_THAT(many.groups, ElementsAre(ElementsAre(2, 3), ElementsAre(1), ElementsAre(0)));
}

// Runs that no test tells apart may have any rank; one that is told apart from some has fewer.
TEST(Comparison, RanksThatTestsLeaveOpen) {
  const auto values = related_runs(5, 40, 0.001, 15);
  const ManyComparison many = compare_many(spans(values), Sizes{40}, {.draws = 100, .permutations = 999});
  for (const RankInterval& rank : many.ranks) EXPECT_EQ(rank.interval, (Interval{1, 5}));
}

// Small losses everywhere and a large gain in one question of twenty: p is small where few gains were seen, and says no
// more than that the runs are not interchangeable.
TEST(Comparison, SmallPAloneDoesNotTellApart) {
  const Values zeros(200, 0.0);
  Values skewed(200, -0.05);
  for (size_t i = 0; i < 5; ++i) skewed[40 * i] = 0.95;
  const ComparisonOptions options{.range = 2};
  const std::span<const double> runs[] = {skewed, zeros};
  const ManyComparison many = compare_many(runs, Sizes{200}, options);
  const PairedComparison& pair = many.pairs[0].comparison;
  EXPECT_LT(pair.p_holm, 0.05);
  EXPECT_TRUE(interval_of(pair)->contains(0));
  EXPECT_TRUE(not_interchangeable(pair, 0.05));
  EXPECT_FALSE(told_apart(pair, 0.05));
  EXPECT_EQ(many.ranks[0].interval, (Interval{1, 2}));
  EXPECT_THAT(many.groups, ElementsAre(ElementsAre(1, 0)));
}

TEST(Comparison, FewQuestionsThatHardlyDifferDontTellApart) {
  Values a(30, -0.05);
  for (size_t i = 0; i < 30; ++i) a[i] += 0.001 * static_cast<double>(i % 3);
  const Values zeros(30, 0.0);
  PairedComparison pair = compare_paired(a, zeros, Sizes{30}, {.range = 2});
  EXPECT_TRUE(pair.hides_losses);
  EXPECT_FALSE(interval_of(pair));
  EXPECT_TRUE(not_interchangeable(pair, 0.05));
  EXPECT_FALSE(told_apart(pair, 0.05));
  for (double& value : a) value *= 20;
  pair = compare_paired(a, zeros, Sizes{30}, {.range = 0.01});
  EXPECT_FALSE(pair.hides_losses);
  EXPECT_TRUE(told_apart(pair, 0.05));
}

TEST(Comparison, NoIntervalWhereFewOfFewQuestionsDiffer) {
  const auto interval = [](size_t n, size_t differ) {
    Values a(n, 0.0);
    const Values b(n, 0.0);
    for (size_t i = 0; i < differ; ++i) a[i * n / differ] = i % 3 == 0 ? -1 : 1;
    return interval_of(compare_paired(a, b, Sizes{n}, {.range = 1}));
  };
  EXPECT_FALSE(interval(60, 29));
  EXPECT_TRUE(interval(60, 30));
  EXPECT_TRUE(interval(200, 29));
}

TEST(Comparison, IntervalsOfFewQuestionsHoldStudentsToo) {
  const auto check = [](size_t n, bool widened) {
    Values a(n);
    const Values b(n, 0.0);
    for (size_t i = 0; i < n; ++i) a[i] = std::exp(0.01 * static_cast<double>(i * 37 % n)) - 1.5;  // skewed
    const Interval bca = *bootstrap_interval(a, Sizes{n}, {});
    const PairedComparison pair = compare_paired(a, b, Sizes{n}, {});
    const double low = *pair.difference.ci_low, high = *pair.difference.ci_high;
    ASSERT_LT(low, bca.low) << n;
    EXPECT_EQ(pair.bootstrap->low, widened ? low : bca.low) << n;
    EXPECT_EQ(pair.bootstrap->high, widened ? std::max(high, bca.high) : bca.high) << n;
    const std::span<const double> runs[] = {a, b};
    const Interval of_many = *compare_many(runs, Sizes{n}, {}, 0.05).pairs[0].comparison.bootstrap;
    EXPECT_EQ(of_many.low, pair.bootstrap->low) << n;
    EXPECT_EQ(of_many.high, pair.bootstrap->high) << n;
  };
  check(150, true);
  check(200, false);
}

// Without bounds, two deviations of the runs' own values stand for the range.
TEST(Comparison, ValuesWithoutBoundsMayHideLossesToo) {
  Values a(40), b(40), far(40);
  for (size_t i = 0; i < 40; ++i) {
    b[i] = static_cast<double>(i * 7 % 11);  // a deviation of about 3.2
    a[i] = b[i] + 0.05 * static_cast<double>(i % 4);
    far[i] = b[i] + static_cast<double>(i % 4);
  }
  EXPECT_TRUE(compare_paired(a, b, Sizes{40}, {}).hides_losses);
  EXPECT_FALSE(interval_of(compare_paired(a, b, Sizes{40}, {})));
  EXPECT_FALSE(compare_paired(far, b, Sizes{40}, {}).hides_losses);
  EXPECT_TRUE(interval_of(compare_paired(far, b, Sizes{40}, {})));
}

TEST(Comparison, OneRunAndNone) {
  EXPECT_TRUE(compare_many({}, Sizes{}, {}).ranks.empty());
  const auto values = related_runs(1, 10, 0, 1);
  const ManyComparison one = compare_many(spans(values), Sizes{10}, {.draws = 50});
  EXPECT_TRUE(one.pairs.empty());
  EXPECT_EQ(one.ranks[0].interval, (Interval{1, 1}));
  EXPECT_THAT(one.groups, ElementsAre(ElementsAre(0)));
}

// By the definition: all sets in which no two are told apart and to which nobody can be added.
Groups groups_plainly(size_t n, const std::vector<std::pair<size_t, size_t>>& apart) {
  std::vector<unsigned> allowed;
  for (unsigned set = 1; set < 1U << n; ++set) {
    const auto splits = [&](const auto& pair) { return (set >> pair.first & 1) && (set >> pair.second & 1); };
    if (std::ranges::none_of(apart, splits)) allowed.push_back(set);
  }
  Groups groups;
  for (const unsigned set : allowed) {
    if (std::ranges::any_of(allowed, [&](unsigned other) { return other != set && (other & set) == set; })) continue;
    groups.emplace_back();
    for (size_t i = 0; i < n; ++i) {
      if (set >> i & 1) groups.back().push_back(i);
    }
  }
  std::ranges::sort(groups);
  return groups;
}

TEST(Comparison, GroupsByTheDefinition) {
  const unsigned seed = std::random_device{}();
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::mt19937 random(seed);
  EXPECT_TRUE(indistinguishable_groups(0, {}).empty());
  for (int round = 0; round < 200; ++round) {
    const size_t n = 1 + random() % 7;
    std::vector<std::pair<size_t, size_t>> apart;
    for (size_t a = 0; a < n; ++a) {
      for (size_t b = a + 1; b < n; ++b) {
        if (random() % 2) apart.emplace_back(a, b);
      }
    }
    ASSERT_EQ(indistinguishable_groups(n, apart), groups_plainly(n, apart));
  }
}

TEST(Comparison, LargestDifferences) {
  const Values a = {0, 1, 0, 0.5};
  const Values b = {0, 0, -1, 0};
  EXPECT_THAT(largest_differences(a, b, 3), ElementsAre(1, 2, 3));
  EXPECT_EQ(largest_differences(a, b, 9).size(), 4U);
}

TEST(Comparison, MeanOverRuns) {
  const std::vector<Values> values = {{1, 0}, {0, 0}, {0.5, 3}};
  EXPECT_THAT(mean_over_runs(spans(values)), ElementsAre(0.5, 1));
  EXPECT_TRUE(mean_over_runs({}).empty());
}

}  // namespace
}  // namespace hre
