#include "stats/confidence_sequence.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "stats/test_table.h"

namespace hre {
namespace {

using testing_tables::read_table;
using Values = std::vector<double>;

TEST(ConfidenceSequence, AsByTheBook) {
  const auto rows = read_table("confidence_sequence");
  ASSERT_GE(rows.size(), 200U);
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

}  // namespace
}  // namespace hre
