#include "stats/stopping.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <set>

#include "stats/random.h"

namespace hre {
namespace {

using Values = std::vector<double>;
using Sizes = std::vector<size_t>;

// The definition, with lists of what is left.
std::vector<size_t> turns_plainly(const Sizes& sizes, uint64_t seed) {
  std::vector<std::vector<size_t>> left(sizes.size());
  std::vector<size_t> topic_of;
  for (size_t topic = 0; topic < sizes.size(); ++topic) {
    for (size_t i = 0; i < sizes[topic]; ++i) {
      left[topic].push_back(topic_of.size());
      topic_of.push_back(topic);
    }
  }
  std::vector<size_t> turns;
  RandomStream random(seed, RandomPurpose::kTurns);
  while (turns.size() < topic_of.size()) {
    auto& topic = left[topic_of[random.below(topic_of.size())]];
    if (topic.empty()) break;
    turns.push_back(topic.front());
    topic.erase(topic.begin());
  }
  return turns;
}

TEST(Turns, AreThoseOfTheDefinition) {
  for (const Sizes& sizes :
       {Sizes{}, Sizes{0, 0}, Sizes{1}, Sizes{7}, Sizes{3, 0, 4}, Sizes{50, 50, 50}, Sizes{2, 200}}) {
    for (const uint64_t seed : {0, 1, 42}) {
      const auto turns = random_turns(sizes, seed);
      EXPECT_EQ(turns, turns_plainly(sizes, seed));
      EXPECT_EQ(std::set(turns.begin(), turns.end()).size(), turns.size());
    }
  }
  EXPECT_EQ(random_turns(Sizes{5}, 9), (std::vector<size_t>{0, 1, 2, 3, 4}));
}

TEST(Turns, TakeTopicsByTheirShare) {
  const Sizes sizes = {100, 300, 600};
  const auto turns = random_turns(sizes, 3);
  ASSERT_GE(turns.size(), 700U);
  const auto first = std::count_if(turns.begin(), turns.begin() + 500, [](size_t i) { return i >= 400; });
  EXPECT_NEAR(first, 300, 4 * std::sqrt(500 * 0.6 * 0.4));
}

TEST(Stopping, WhenNarrow) {
  StoppingRule rule = StoppingRule::narrow({-1, 1}, 0.4);
  EXPECT_EQ(rule.interval(), (Interval{-1, 1}));
  int used = 0;
  for (; !rule.add(used % 2 ? 0.45 : 0.15); ++used) {
    ASSERT_LT(used, 400);
    EXPECT_GT(rule.interval().width(), 0.4);
  }
  EXPECT_LE(rule.interval().width(), 0.4);
  EXPECT_TRUE(rule.interval().contains(0.3));
  EXPECT_EQ(rule.used(), used + 1);
  const Interval before = rule.interval();
  EXPECT_TRUE(rule.add(-1));  // changes nothing any more
  EXPECT_EQ(rule.interval(), before);
  EXPECT_EQ(rule.used(), used + 1);
}

TEST(Stopping, WhenDecided) {
  const Decision up = decide(Values(400, 0.3), Sizes{400}, {-2, 2}, 1);
  EXPECT_TRUE(up.decided);
  EXPECT_GT(up.interval.low, 0);
  EXPECT_LT(up.used, 100);
  EXPECT_EQ(up.questions, 400);
  const Decision down = decide(Values(400, -0.3), Sizes{200, 200}, {-2, 2}, 1);
  EXPECT_TRUE(down.decided);
  EXPECT_LT(down.interval.high, 0);
  const Decision never = decide(Values(50, 0.0), Sizes{50}, {-2, 2}, 1);
  EXPECT_FALSE(never.decided);
  EXPECT_EQ(never.used, 50);
  EXPECT_FALSE(decide({}, {}, {-2, 2}, 1).decided);
}

}  // namespace
}  // namespace hre
