#include "stats/ranking.h"

#include <gtest/gtest.h>

#include "stats/contamination.h"
#include "stats/test_table.h"

namespace hre {
namespace {

using testing_tables::near;
using testing_tables::read_table;

TEST(Ranking, AsInScikitLearn) {
  const auto rows = read_table("ranking");
  ASSERT_GE(rows.size(), 200U);
  for (const auto& row : rows) {
    SCOPED_TRACE(row.place + ' ' + row.text("family"));
    EXPECT_TRUE(near(top_one(row.numbers("votes"), row.numbers("scores")), row.number("top_one"), 1e-15));
    EXPECT_TRUE(near(ndcg(row.numbers("votes"), row.numbers("scores")), row.number("ndcg"), 1e-13));
    const auto chance = row.number("top_one_chance");
    if (!chance) continue;
    EXPECT_TRUE(near(top_one_chance(row.numbers("votes")), chance, 1e-13));
    EXPECT_TRUE(near(ndcg_chance(row.numbers("votes")), row.number("ndcg_chance"), 1e-13));
  }
}

TEST(Ranking, ChanceOfFourDifferentVotes) {
  const double votes[] = {5, 3, 2, 0};
  EXPECT_EQ(top_one_chance(votes), 0.25);
  EXPECT_NEAR(*ndcg_chance(votes), 0.807, 5e-4);
  EXPECT_FALSE(ndcg_chance(std::vector<double>{1, 1}));
}

TEST(Contamination, MinKAsInNumpy) {
  const auto rows = read_table("min_k");
  ASSERT_GE(rows.size(), 200U);
  for (const auto& row : rows) {
    const std::vector<double> numbers = row.numbers("token_log_probs");
    const std::vector<float> log_probs(numbers.begin(), numbers.end());
    const auto value = min_k_percent(log_probs, *row.number("share"));
    if (row.text("value") == "-inf") {
      EXPECT_EQ(value, -INFINITY) << row.place;
    } else {
      EXPECT_TRUE(near(value, row.number("value"), 1e-14)) << row.place;
    }
  }
}

}  // namespace
}  // namespace hre
