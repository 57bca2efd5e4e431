#include "analysis/votes.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>

namespace hre {
namespace {

using ::testing::ElementsAre;

QuestionResult with_votes(const std::string& topic, const std::string& id, const std::vector<double>& votes) {
  QuestionResult question;
  question.topic = topic;
  question.id = id;
  for (const double one : votes) question.answers.emplace_back().votes = one;
  return question;
}

TEST(Votes, QuantilesAreOfTheTopicsVotes) {
  std::vector<hre::Run> runs(2);
  runs[0].questions = {with_votes("b", "1", {0, 4}), with_votes("a", "2", {3, 1, 2}), with_votes("b", "3", {})};
  runs[1].questions = {with_votes("a", "2", {3, 1, 2}),  // the same question in another run counts once
                       with_votes("a", "4", {4, 0, std::numeric_limits<double>::quiet_NaN()}),
                       with_votes("c", "5", {std::numeric_limits<double>::infinity()})};
  const std::vector<TopicVotes> topics = vote_distributions(runs);
  ASSERT_EQ(topics.size(), 2U) << "c has no finite vote";
  const TopicVotes &a = topics[0], &b = topics[1];
  EXPECT_EQ(a.topic, "a");
  EXPECT_EQ(a.answers, 5);
  // numpy.quantile([0, 1, 2, 3, 4], [0.05, 0.25, 0.5, 0.75, 0.95])
  EXPECT_THAT((std::vector<double>{a.least, a.p5, a.q1, a.median, a.q3, a.p95, a.most, a.mean}),
              ElementsAre(0, ::testing::DoubleNear(0.2, 1e-12), 1, 2, 3, ::testing::DoubleNear(3.8, 1e-12), 4, 2));
  EXPECT_EQ(b.answers, 2);
  EXPECT_EQ(b.median, 2);
}

TEST(Votes, BarsHoldEveryVoteOnce) {
  std::vector<hre::Run> runs(1);
  runs[0].questions = {with_votes("a", "1", {-7, 0, 0, 1, 250}), with_votes("b", "2", {2, 2, 2, 90})};
  const std::vector<TopicVotes> topics = vote_distributions(runs);
  for (const TopicVotes& topic : topics) {
    SCOPED_TRACE(topic.topic);
    double sum = 0;
    for (size_t i = 0; i < topic.bars.size(); ++i) {
      const VoteBar& bar = topic.bars[i];
      EXPECT_LT(bar.low, bar.high);
      if (i > 0) {
        EXPECT_EQ(bar.low, topic.bars[i - 1].high);
      }
      EXPECT_EQ(bar.low, topics[0].bars[i].low) << "all topics have the same bars";
      double inside = 0;
      for (const double votes :
           topic.topic == "a" ? std::vector<double>{-7, 0, 0, 1, 250} : std::vector<double>{2, 2, 2, 90}) {
        inside += bar.low <= votes && votes < bar.high ? 1 : 0;
      }
      EXPECT_NEAR(bar.share, inside / static_cast<double>(topic.answers), 1e-12);
      sum += bar.share;
    }
    EXPECT_NEAR(sum, 1, 1e-12);
  }
}

TEST(Votes, NoneOfNothing) {
  EXPECT_TRUE(vote_distributions({}).empty());
  EXPECT_TRUE(vote_distributions(std::vector<hre::Run>(1)).empty());
}

}  // namespace
}  // namespace hre
