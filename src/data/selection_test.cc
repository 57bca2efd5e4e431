#include "data/selection.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace hre {
namespace {

using testing::ElementsAre;

const std::vector<std::string> kNames = {"cpp", "soft_eng", "cs_db", "latex"};

TEST(SelectTopics, KeepsTheOrderOfTheNames) {
  EXPECT_EQ(select_topics(kNames, {}).value(), kNames);
  EXPECT_THAT(select_topics(kNames, {"latex", "c*"}).value(), ElementsAre("cpp", "cs_db", "latex"));
  EXPECT_THAT(select_topics(kNames, {"cpp", "cpp", "c?p"}).value(), ElementsAre("cpp")) << "once";
  EXPECT_EQ(select_topics(kNames, {"*"}).value(), kNames);
}

TEST(SelectTopics, TakesPublishedNames) {
  EXPECT_THAT(select_topics(kNames, {"HumanRankEvalSoftEng", "CSDB"}).value(), ElementsAre("soft_eng", "cs_db"));
}

TEST(SelectTopics, SaysWhatThereIs) {
  EXPECT_EQ(select_topics(kNames, {"cpp", "latx"}).error().text(),
            "‹topic›: no topic matches \"latx\"; did you mean latex? the topics are cpp, soft_eng, cs_db, latex");
  EXPECT_EQ(select_topics(kNames, {"cooking*"}).error().text(),
            "‹topic›: no topic matches \"cooking*\"; the topics are cpp, soft_eng, cs_db, latex");
  EXPECT_EQ(select_topics({}, {"x"}).error().text(), "‹topic›: no topic matches \"x\"; there are no topics");
  EXPECT_EQ(select_topics(kNames, {""}).error().code, ErrorCode::kInput);
}

}  // namespace
}  // namespace hre
