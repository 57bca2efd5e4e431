#include "stats/confidence_sequence.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "stats/test_table.h"

namespace hre {
namespace {

using testing::ElementsAre;
using testing_tables::read_table;
using Values = std::vector<double>;

TEST(ConfidenceSequence, AsByTheBook) {
  const auto rows = read_table("confidence_sequence");
  ASSERT_GE(rows.size(), 48U);
  for (const auto& row : rows) {
    SCOPED_TRACE(row.place);
    ConfidenceSequence sequence(*row.number("range_low"), *row.number("range_high"));
    const Values values = row.numbers("values");
    Interval seen;
    for (const size_t look : row.list<size_t>("looks")) {
      while (sequence.count() < look) sequence.add(values[sequence.count()]);
      seen = sequence.look();
    }
    EXPECT_NEAR(seen.low, *row.number("low"), 1e-7);
    EXPECT_NEAR(seen.high, *row.number("high"), 1e-7);
  }
}

TEST(ConfidenceSequence, StartsAsTheRangeAndNeverWidens) {
  ConfidenceSequence sequence(-1, 1);
  EXPECT_EQ(sequence.look(), (Interval{-1, 1}));
  Interval before{-1, 1};
  for (int i = 0; i < 300; ++i) {
    sequence.add(i % 3 == 0 ? -0.6 : 0.5);
    const Interval now = sequence.look();
    EXPECT_GE(now.low, before.low);
    EXPECT_LE(now.high, before.high);
    EXPECT_LE(now.low, now.high);
    before = now;
  }
  EXPECT_LT(before.width(), 0.35);
  EXPECT_TRUE(before.contains(0.4 / 3));
}

TEST(ConfidenceSequence, TakesValuesOutsideForTheBound) {
  ConfidenceSequence outside(-1, 1);
  ConfidenceSequence at_bound(-1, 1);
  for (int i = 0; i < 50; ++i) {
    outside.add(7);
    at_bound.add(1);
  }
  EXPECT_EQ(outside.look(), at_bound.look());
}

TEST(ConfidenceSequence, SurvivesValuesThatDeceive) {
  ConfidenceSequence sequence(0, 1);
  for (int i = 0; i < 400; ++i) {
    sequence.add(i < 200 ? 0 : 1);
    const Interval seen = sequence.look();
    EXPECT_GE(seen.low, 0);
    EXPECT_LE(seen.low, seen.high);
    EXPECT_LE(seen.high, 1);
  }
}

TEST(ConfidenceSequence, Rounds) {
  const Values values = {1, 2, 3, 10, 20};
  EXPECT_THAT(interleaved_rounds(values, std::vector<size_t>{3, 2}, Weights::kTopics), ElementsAre(5.5, 11));
  const Values micro = interleaved_rounds(values, std::vector<size_t>{3, 0, 2}, Weights::kQuestions);
  ASSERT_EQ(micro.size(), 2U);
  EXPECT_DOUBLE_EQ(micro[0], 0.6 * 1 + 0.4 * 10);
  EXPECT_DOUBLE_EQ(micro[1], 0.6 * 2 + 0.4 * 20);
  EXPECT_TRUE(interleaved_rounds({}, {}, Weights::kTopics).empty());
}

TEST(ConfidenceSequence, StopsWhenNarrowOrDecided) {
  Values values(400);
  for (size_t i = 0; i < values.size(); ++i) values[i] = i % 2 ? 0.45 : 0.15;
  const size_t narrow = first_narrower_than(values, {-1, 1}, 0.4);
  ASSERT_GT(narrow, 0U);
  ConfidenceSequence sequence(-1, 1);
  for (size_t i = 0; i < narrow; ++i) {
    EXPECT_GT(sequence.look().width(), 0.4);
    sequence.add(values[i]);
  }
  EXPECT_LE(sequence.look().width(), 0.4);
  const size_t decided = first_decided(values, {-2, 2});
  EXPECT_GT(decided, 0U);
  EXPECT_LT(decided, 400U);
  EXPECT_EQ(first_narrower_than(values, {-1, 1}, 1e-6), 0U);
  EXPECT_EQ(first_decided(Values(50, 0.0), {-2, 2}), 0U);
}

}  // namespace
}  // namespace hre
