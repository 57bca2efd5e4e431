#include "hub/ranges.h"

#include <gtest/gtest.h>

#include <random>
#include <vector>

namespace hre::hub {
namespace {

TEST(RangeSet, MergesAndCuts) {
  RangeSet set;
  EXPECT_EQ((std::vector<Range>{{0, 4}, {4, 8}, {8, 10}}), set.missing(10, 4));
  set.add({4, 6});
  set.add({8, 8});
  EXPECT_EQ(0, set.prefix());
  EXPECT_EQ((std::vector<Range>{{0, 4}, {6, 10}}), set.missing(10, 4));
  set.add({0, 4});
  EXPECT_EQ(6, set.prefix());
  set.add({5, 10});
  EXPECT_EQ(10, set.prefix());
  EXPECT_EQ(10, set.total());
  EXPECT_TRUE(set.missing(10, 4).empty());
  EXPECT_TRUE(RangeSet().missing(0, 4).empty());
}

TEST(RangeSet, EqualsASetOfBytes) {
  constexpr uint32_t kSeed = 7;
  SCOPED_TRACE(testing::Message() << "seed " << kSeed);
  std::mt19937 random(kSeed);
  for (int round = 0; round < 300; ++round) {
    const auto below = [&](int64_t n) { return static_cast<int64_t>(random() % static_cast<uint64_t>(n)); };
    const int64_t size = 1 + below(40);
    std::vector<bool> bytes(static_cast<size_t>(size), false);
    RangeSet set;
    std::string record = record_head(size);
    for (int k = 0; k < 6; ++k) {
      const int64_t begin = below(size), end = begin + below(size - begin + 1);
      set.add({begin, end});
      record += record_line({begin, end});
      std::fill(bytes.begin() + begin, bytes.begin() + end, true);
    }
    ASSERT_EQ(std::count(bytes.begin(), bytes.end(), true), set.total());
    ASSERT_EQ(std::find(bytes.begin(), bytes.end(), false) - bytes.begin(), set.prefix());
    std::vector<bool> filled = bytes;
    for (const Range& range : set.missing(size, 1 + below(10))) {
      for (int64_t i = range.begin; i < range.end; ++i) {
        ASSERT_FALSE(filled[static_cast<size_t>(i)]);
        filled[static_cast<size_t>(i)] = true;
      }
    }
    ASSERT_EQ(size, std::count(filled.begin(), filled.end(), true));
    ASSERT_EQ(set.missing(size, 3), parse_record(record, size).missing(size, 3));
  }
}

TEST(RangeRecord, DamageCountsAsNothing) {
  EXPECT_EQ(0, parse_record("", 10).total());
  EXPECT_EQ(0, parse_record("size 9\n0 4\n", 10).total());
  EXPECT_EQ(4, parse_record("size 10\n0 4\n4 10", 10).total()) << "a line that is cut short";
  EXPECT_EQ(4, parse_record("size 10\n0 4\n-1 3\n3 2\n4 11\nx y\n 5\n5 \n\n99999999999999999999 3\n", 10).total());
  EXPECT_EQ(6, parse_record("size 10\n0 4\n4 1\n\n8 10\n", 10).total());
}

}  // namespace
}  // namespace hre::hub
