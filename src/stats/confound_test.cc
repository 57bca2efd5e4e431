#include "stats/confound.h"

#include <gtest/gtest.h>

#include <cmath>
#include <random>

#include "stats/correlation.h"
#include "stats/test_table.h"

namespace hre {
namespace {

using testing_tables::near;
using testing_tables::read_table;
using testing_tables::topics_of;
using Values = std::vector<double>;

TEST(Confound, PartialCorrelationAsInStatsmodelsAndExactArithmetic) {
  const auto rows = read_table("partial");
  ASSERT_GE(rows.size(), 200U);
  for (const auto& row : rows) {
    const auto partial = partial_correlation(row.numbers("x"), row.numbers("y"), row.numbers("z"));
    EXPECT_TRUE(near(partial, row.number("partial"), 1e-11)) << row.place << ' ' << row.text("family");
  }
}

TEST(Confound, ValueIsTheExplainedPartAndTheRest) {
  const unsigned seed = std::random_device{}();
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::mt19937 random(seed);
  std::normal_distribution<double> normal;
  for (int round = 0; round < 100; ++round) {
    Values votes(5);
    Values scores(5);
    Values lengths(5);
    for (size_t i = 0; i < 5; ++i) {
      lengths[i] = normal(random);
      votes[i] = normal(random) + lengths[i];
      scores[i] = normal(random) - lengths[i];
    }
    const Confound c = confound_of(votes, scores, lengths);
    const double rest = std::sqrt((1 - *c.votes * *c.votes) * (1 - *c.scores * *c.scores)) * *c.partial;
    EXPECT_NEAR(*c.explained + rest, *pearson(votes, scores), 1e-12);
  }
}

TEST(Confound, UndefinedParts) {
  const Confound same_length = confound_of(Values{1, 2, 3, 5}, Values{2, 1, 3, 4}, Values{7, 7, 7, 7});
  EXPECT_EQ(same_length.explained, 0);
  EXPECT_FALSE(same_length.votes || same_length.scores);
  EXPECT_EQ(same_length.partial, pearson(Values{1, 2, 3, 5}, Values{2, 1, 3, 4}));
  const Confound constant = confound_of(Values{1, 1, 1, 1}, Values{2, 1, 3, 4}, Values{1, 2, 3, 4});
  EXPECT_FALSE(constant.votes || constant.scores || constant.partial || constant.explained);
  const Confound two = confound_of(Values{1, 2}, Values{2, 1}, Values{3, 5});
  EXPECT_EQ(two.explained, -1);
  EXPECT_FALSE(two.partial);
}

TEST(Confound, ExplainedShareAsInNumpy) {
  for (const auto& row : read_table("bootstrap")) {
    SCOPED_TRACE(row.place);
    const auto whole = topics_of(row, "whole");
    const auto explained = topics_of(row, "explained");
    BootstrapOptions options;
    options.weights = row.text("weights") == "topics" ? Weights::kTopics : Weights::kQuestions;
    options.seed = row.whole("seed");
    options.draws = static_cast<int>(row.whole("draws"));
    const auto share = explained_share(explained.values, whole.values, whole.sizes, options);
    if (!share) {  // two questions can't tell a value from 0
      EXPECT_LE(whole.values.size(), 5U);
      continue;
    }
    EXPECT_TRUE(near(share->share, row.number("share"), 1e-12));
    EXPECT_TRUE(near(share->interval.low, row.number("share_low"), 1e-10));
    EXPECT_TRUE(near(share->interval.high, row.number("share_high"), 1e-10));
  }
}

TEST(Confound, NoShareOfAValueThatMayBeZero) {
  const Values values = {1, -1, 0.5, -0.5, 0.1};
  const size_t sizes[] = {5};
  EXPECT_FALSE(explained_share(values, values, sizes, {.draws = 500}));
  EXPECT_FALSE(explained_share({}, {}, {}, {.draws = 500}));
}

}  // namespace
}  // namespace hre
