#include "stats/correlation.h"

#include <gtest/gtest.h>

#include <cmath>
#include <random>

#include "stats/test_table.h"

namespace hre {
namespace {

using testing_tables::near;
using testing_tables::read_table;
using Values = std::vector<double>;

TEST(Correlation, TableOfScipyAndExactArithmetic) {
  const auto rows = read_table("correlation");
  ASSERT_GE(rows.size(), 200U);
  for (const auto& row : rows) {
    const Values votes = row.numbers("votes");
    const Values scores = row.numbers("scores");
    EXPECT_TRUE(near(pearson(votes, scores), row.number("pearson"), 1e-13)) << row.place << ' ' << row.text("family");
    EXPECT_TRUE(near(spearman(votes, scores), row.number("spearman"), 1e-14)) << row.place << ' ' << row.text("family");
    EXPECT_TRUE(near(kendall(votes, scores), row.number("kendall"), 1e-14)) << row.place << ' ' << row.text("family");
    EXPECT_TRUE(near(pairwise_accuracy(votes, scores), row.number("pairwise_accuracy"), 1e-14))
        << row.place << ' ' << row.text("family");
  }
}

TEST(Correlation, PerfectIsExactlyOne) {
  for (const double slope : {0.1, 1.0, 3.7, 1e200}) {
    const Values votes = {1, 2, 5, 11};
    Values scores;
    for (const double vote : votes) scores.push_back(-slope * vote);
    EXPECT_NEAR(*pearson(votes, scores), -1, 1e-15) << slope;
    EXPECT_GE(*pearson(votes, scores), -1) << slope;
    EXPECT_EQ(*spearman(votes, scores), -1) << slope;
    EXPECT_EQ(*kendall(votes, scores), -1) << slope;
    EXPECT_EQ(*pairwise_accuracy(votes, scores), 0) << slope;
  }
}

TEST(Correlation, UnequalLengthsAreUndefined) {
  const Values three = {1, 2, 3};
  const Values two = {1, 2};
  EXPECT_FALSE(pearson(three, two) || spearman(three, two) || kendall(three, two) || pairwise_accuracy(three, two));
}

TEST(Correlation, ConstantMeansEqualButForRounding) {
  EXPECT_TRUE(is_constant(Values{}));
  EXPECT_TRUE(is_constant(Values{5}));
  EXPECT_TRUE(is_constant(Values{0, -0.0}));
  EXPECT_TRUE(is_constant(Values{0.1 + 0.2, 0.3}));
  EXPECT_FALSE(is_constant(Values{0.3, 0.3 + 1e-14}));
  EXPECT_FALSE(is_constant(Values{1e15, 1e15 + 1}));
  EXPECT_FALSE(is_constant(Values{1e-320, 2e-320}));
  EXPECT_FALSE(is_constant(Values{-1.7e308, 1.7e308}));
}

TEST(Correlation, RanksAverageTies) {
  EXPECT_EQ(average_ranks(Values{}), Values{});
  EXPECT_EQ(average_ranks(Values{3, 1, 3, 2, 3}), (Values{4, 1, 4, 2, 4}));
  EXPECT_EQ(average_ranks(Values{INFINITY, -INFINITY, 0, 0}), (Values{4, 1, 2.5, 2.5}));
}

// The definition, pair by pair.
PairCounts count_pairs_plainly(const Values& x, const Values& y) {
  PairCounts counts;
  for (size_t i = 0; i < x.size(); ++i) {
    for (size_t j = 0; j < i; ++j) {
      ++counts.total;
      counts.tied_x += x[i] == x[j];
      counts.tied_y += y[i] == y[j];
      counts.tied_both += x[i] == x[j] && y[i] == y[j];
      counts.discordant += (x[i] < x[j] && y[i] > y[j]) || (x[i] > x[j] && y[i] < y[j]);
    }
  }
  return counts;
}

TEST(Correlation, KnightCountsAsTheDefinition) {
  const unsigned seed = std::random_device{}();
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::mt19937 random(seed);
  for (int round = 0; round < 400; ++round) {
    const size_t n = random() % 60;
    const unsigned levels_x = 1 + random() % 80;
    const unsigned levels_y = 1 + random() % 80;
    Values x(n);
    Values y(n);
    for (double& value : x) value = static_cast<double>(random() % levels_x) - 20;
    for (double& value : y) value = 0.1 * static_cast<double>(random() % levels_y);
    const PairCounts expected = count_pairs_plainly(x, y);
    const PairCounts actual = count_pairs(x, y);
    ASSERT_EQ(actual.total, expected.total);
    ASSERT_EQ(actual.tied_x, expected.tied_x);
    ASSERT_EQ(actual.tied_y, expected.tied_y);
    ASSERT_EQ(actual.tied_both, expected.tied_both);
    ASSERT_EQ(actual.discordant, expected.discordant);
  }
}

TEST(Correlation, DoesNotDependOnOrderOffsetOrScale) {
  const unsigned seed = std::random_device{}();
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::mt19937 random(seed);
  std::normal_distribution<double> normal;
  for (int round = 0; round < 100; ++round) {
    Values votes(6);
    Values scores(6);
    for (double& value : votes) value = static_cast<double>(random() % 50);
    for (double& value : scores) value = normal(random);
    if (is_constant(votes)) continue;
    Values moved_votes(votes.rbegin(), votes.rend());
    Values moved_scores(scores.rbegin(), scores.rend());
    for (double& value : moved_votes) value = value * 8 + 1048576;
    for (double& value : moved_scores) value *= 0.25;
    EXPECT_NEAR(*pearson(votes, scores), *pearson(moved_votes, moved_scores), 1e-13);
    EXPECT_NEAR(*spearman(votes, scores), *spearman(moved_votes, moved_scores), 1e-14);
    EXPECT_DOUBLE_EQ(*kendall(votes, scores), *kendall(moved_votes, moved_scores));
    EXPECT_DOUBLE_EQ(*pairwise_accuracy(votes, scores), *pairwise_accuracy(moved_votes, moved_scores));
    EXPECT_NEAR(*pearson(votes, scores), *pearson(scores, votes), 1e-15);
  }
}

}  // namespace
}  // namespace hre
