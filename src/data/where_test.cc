#include "data/where.h"

#include <gtest/gtest.h>

#include "core/dates.h"

namespace hre::data {
namespace {

Question question() { return {"python/000003", "python", "How?", {{"four", 7}, {"eight ch", -2}, {"äö", 3}}}; }

bool holds(const std::string& text, const QuestionFacts& facts) {
  const auto condition = Condition::parse(text);
  EXPECT_TRUE(condition) << text << ": " << condition.error().text();
  return condition && condition->holds(facts);
}

std::string problem(const std::string& text) {
  const auto condition = Condition::parse(text);
  return condition ? "none" : condition.error().text();
}

TEST(Where, LooksAtWhatAQuestionIs) {
  const QuestionFacts facts = facts_of(question());
  EXPECT_EQ(facts.votes, 7);
  EXPECT_EQ(facts.answers, 3);
  EXPECT_DOUBLE_EQ(*facts.length, 14.0 / 3);
  for (const char* text : {"topic=python", "topic=py*", "topic!=java", "topic=HumanRankEvalPython", "id=*/000003",
                           "votes=7", "votes>=7", "votes<=7", "votes>6.5", "votes!=8", "length<5", "answers=3"}) {
    EXPECT_TRUE(holds(text, facts)) << text;
  }
  for (const char* text : {"topic=java", "topic!=p*", "id=python", "votes<7", "votes>7", "votes!=7", "length>=5",
                           "answers=4", "tag=python", "tag!=python", "date>1970"}) {
    EXPECT_FALSE(holds(text, facts)) << text;
  }
}

TEST(Where, DatesArePeriods) {
  QuestionMetadata metadata;
  metadata.created = parse_period("2019-07-31T23:59:59.500")->begin_days();
  metadata.tags = {"c++", "templates"};
  QuestionFacts facts = facts_of(question());
  facts.metadata = &metadata;
  for (const char* text :
       {"date=2019", "date=2019-07", "date=2019-07-31", "date>=2019", "date<=2019-07", "date>2018", "date<2020",
        "date<2019-08", "date>2019-06", "date!=2018", "tag=c++", "tag=t*", "tag!=java"}) {
    EXPECT_TRUE(holds(text, facts)) << text;
  }
  for (const char* text : {"date=2018", "date>2019", "date>2019-07", "date<2019-07-31", "date!=2019",
                           "date<=2019-07-30", "tag=c", "tag!=templates"}) {
    EXPECT_FALSE(holds(text, facts)) << text;
  }
  EXPECT_TRUE(Condition::parse("date<2020")->needs_metadata());
  EXPECT_TRUE(Condition::parse("tag=x")->needs_metadata());
  EXPECT_FALSE(Condition::parse("votes<1")->needs_metadata());
}

TEST(Where, SaysWhatIsWrong) {
  EXPECT_EQ(problem(""),
            "‹where›: \"\" is not a condition; conditions look like topic=python, length<500 or date>=2019");
  EXPECT_EQ(problem("topic"),
            "‹where›: \"topic\" is not a condition; conditions look like topic=python, length<500 or date>=2019");
  EXPECT_EQ(problem("topc=x"), "‹where›: unknown field 'topc' in \"topc=x\"; did you mean topic?");
  EXPECT_EQ(problem("=x"),
            "‹where›: unknown field '' in \"=x\"; the fields are topic, id, tag, answers, length, votes, date");
  EXPECT_EQ(problem("topic<x"), "‹where›: topic can only be compared with = or !=");
  EXPECT_EQ(problem("votes=many"), "‹where›: 'many' is not a number");
  EXPECT_EQ(problem("votes<"), "‹where›: '' is not a number");
  EXPECT_EQ(problem("date=31.7.2019"),
            "‹where›: '31.7.2019' is not a date; write dates as 2019, 2019-07 or 2019-07-31");
}

}  // namespace
}  // namespace hre::data
