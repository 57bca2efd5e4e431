#include "data/statistics.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace hre::data {
namespace {

using testing::ElementsAre;

Distribution of(const std::vector<double>& values) {
  Distribution distribution;
  for (const double value : values) distribution.add(value);
  return distribution;
}

std::vector<std::vector<double>> bars_of(const std::vector<double>& values) {
  std::vector<std::vector<double>> bars;
  for (const Distribution::Bar& bar : of(values).bars())
    bars.push_back({bar.low, bar.high, static_cast<double>(bar.count)});
  return bars;
}

// numpy.quantile([3, 1, 4, 1, 5, 9, 2, 6], [0, .25, .5, .75, 1]) is 1, 1.75, 3.5, 5.25, 9.
TEST(Distribution, QuantilesAreNumpys) {
  const Distribution values = of({3, 1, 4, 1, 5, 9, 2, 6});
  EXPECT_EQ(values.quantile(0), 1);
  EXPECT_EQ(values.quantile(0.25), 1.75);
  EXPECT_EQ(values.quantile(0.5), 3.5);
  EXPECT_EQ(values.quantile(0.75), 5.25);
  EXPECT_EQ(values.quantile(1), 9);
  EXPECT_EQ(values.mean(), 3.875);
  EXPECT_EQ(of({7}).quantile(0.5), 7);
}

TEST(Distribution, FewWholeValuesHaveABarEach) {
  EXPECT_THAT(bars_of({2, 4, 4}), ElementsAre(ElementsAre(2, 2, 1), ElementsAre(3, 3, 0), ElementsAre(4, 4, 2)));
  EXPECT_TRUE(of({}).bars().empty());
}

TEST(Distribution, ManyValuesShareRoundBars) {
  EXPECT_THAT(bars_of({-3, 0, 0.5, 1, 12}),
              ElementsAre(ElementsAre(-5, -2, 1), ElementsAre(-2, -1, 0), ElementsAre(-1, 0, 0), ElementsAre(0, 1, 2),
                          ElementsAre(1, 2, 1), ElementsAre(2, 5, 0), ElementsAre(5, 10, 0), ElementsAre(10, 20, 1)));
  EXPECT_THAT(bars_of({100, 199.5, 250}), ElementsAre(ElementsAre(100, 200, 2), ElementsAre(200, 500, 1)));
}

TEST(Distribution, EveryValueIsInABar) {
  for (const std::vector<double>& values : std::vector<std::vector<double>>{{1e17, 1e17},
                                                                            {-1e300, 1e300},
                                                                            {-0.25},
                                                                            {0.25},
                                                                            {-1e17, 5},
                                                                            {1, 2, 5, 10, 20, 50, 100},
                                                                            {-10, -5, -2, -1, 0}}) {
    int64_t count = 0;
    for (const Distribution::Bar& bar : of(values).bars()) count += bar.count;
    EXPECT_EQ(count, static_cast<int64_t>(values.size()));
  }
}

TEST(DatasetStatistics, CountsWhatIsOdd) {
  DatasetStatistics statistics;
  const auto add = [&](const std::string& topic, const std::string& text, const std::vector<Answer>& answers) {
    statistics.add({positional_id(topic, 0), topic, text, answers});
  };
  add("b", "süß", {{"x", 1}, {"", 2}, {"", 3}});
  add("b", "two", {{"x", 1}, {"y", 2}, {"z", 1}});
  add("a", "two", {{"x", 4}, {"y", 4}});
  EXPECT_THAT(statistics.topics(), ElementsAre("b", "a"));
  const TopicStatistics &a = statistics.of("a"), &b = statistics.of("b");
  EXPECT_EQ(b.questions, 2);
  EXPECT_EQ(b.question_lengths.quantile(0), 3) << "characters, not bytes";
  EXPECT_EQ(b.empty_answers, 2);
  EXPECT_EQ(b.tied, 1);
  EXPECT_EQ(b.constant, 0);
  EXPECT_EQ(b.repeated, 0);
  EXPECT_EQ(a.tied, 1);
  EXPECT_EQ(a.constant, 1);
  EXPECT_EQ(a.repeated, 1);
  TopicStatistics all = a;
  all.add(b);
  EXPECT_EQ(all.questions, 3);
  EXPECT_EQ(all.votes.size(), 8);
  EXPECT_EQ(all.answers.quantile(1), 3);
  EXPECT_EQ(all.tied, 2);
}

}  // namespace
}  // namespace hre::data
