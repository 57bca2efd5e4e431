#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>

#include "hre/dataset.h"

namespace hre {
namespace {

// The published splits and the topics that the reference's task names give them.
const std::vector<std::pair<std::string, std::string>> kPublished = {
    {"HumanRankEvalSoftEng", "soft_eng"},
    {"HumanRankEvalLanguagesSciences", "languages_sciences"},
    {"HumanRankEvalEnglish", "english"},
    {"HumanRankEvalMath", "math"},
    {"HumanRankEvalUnix", "unix"},
    {"HumanRankEvalCPP", "cpp"},
    {"HumanRankEvalJava", "java"},
    {"HumanRankEvalHTML", "html"},
    {"HumanRankEvalAppleAndroid", "apple_android"},
    {"HumanRankEvalPhysics", "physics"},
    {"HumanRankEvalCSDB", "cs_db"},
    {"HumanRankEvalPython", "python"},
    {"HumanRankEvalStats", "stats"},
    {"HumanRankEvalLaTeX", "latex"}};

TEST(Names, PublishedSplitsBothWays) {
  for (const auto& [split, topic] : kPublished) {
    EXPECT_EQ(topic_of_split(split), topic);
    EXPECT_EQ(split_of_topic(topic), split);
  }
}

TEST(Names, OtherSplitsBecomeWords) {
  EXPECT_EQ(topic_of_split("HumanRankEvalMathEducators"), "math_educators");
  EXPECT_EQ(topic_of_split("HumanRankEvalAI"), "ai");
  EXPECT_EQ(topic_of_split("HTTPServer2Go"), "http_server2_go");
  EXPECT_EQ(topic_of_split("softeng"), "softeng");
  EXPECT_EQ(topic_of_split("Soft Eng/../x"), "soft_eng_.._x");
  EXPECT_EQ(topic_of_split("../etc"), "_._etc") << "no name leads elsewhere or is hidden";
  EXPECT_EQ(topic_of_split("c++"), "c++");
  EXPECT_EQ(topic_of_split("c#"), "c#");
  EXPECT_EQ(topic_of_split("料理"), "料理");
  EXPECT_EQ(topic_of_split("HumanRankEval"), "human_rank_eval");
}

TEST(Names, EveryTopicComesBackFromItsSplit) {
  for (const char* topic :
       {"math_educators", "ai", "a_b", "r2d2", "2d_plots", "_x_", "__", "la_te_x", "c++", "c_s_d_b", "x.y", "料理"}) {
    ASSERT_EQ(topic_of_split(topic), topic) << "a topic is its own";
    EXPECT_EQ(topic_of_split(split_of_topic(topic)), topic);
  }
  EXPECT_EQ(split_of_topic("math_educators"), "HumanRankEvalMathEducators");
  EXPECT_EQ(split_of_topic("a_b"), "a_b");
}

TEST(Names, PositionalIds) {
  EXPECT_EQ(positional_id("python", 123), "python/000123");
  EXPECT_EQ(positional_id("python", 1234567), "python/1234567");
}

TEST(DatasetName, IsTheFoldersOrTheFiles) {
  EXPECT_EQ(dataset_name("sample"), "sample");
  EXPECT_EQ(dataset_name("/a/questions"), "questions");
  EXPECT_EQ(dataset_name("/a/questions/"), "questions");
  EXPECT_EQ(dataset_name("/a/questions/data/"), "questions") << "the published layout's inner folder says nothing";
  EXPECT_EQ(dataset_name("a/beer.jsonl"), "beer");
  EXPECT_EQ(dataset_name("a/v1.2"), "v1.2");
}

}  // namespace
}  // namespace hre
