#include "data/metadata.h"

#include <gtest/gtest.h>

#include "core/dates.h"
#include "data/test_folder.h"

namespace hre::data {
namespace {

std::string problem(const std::string& text) {
  const auto metadata = read_metadata(text, "m.jsonl");
  return metadata ? "none" : metadata.error().text();
}

TEST(Metadata, Dates) {
  EXPECT_EQ(parse_period("1970")->begin_days(), 0);
  EXPECT_EQ(parse_period("1970")->end_days(), 365);
  EXPECT_EQ(parse_period("2000-02")->end_days() - parse_period("2000-02")->begin_days(), 29);
  EXPECT_EQ(parse_period("2008-12")->end_days(), parse_period("2009")->begin_days());
  EXPECT_EQ(parse_period("1970-01-02")->begin_days(), 1);
  EXPECT_EQ(parse_period("1970-01-02T12:00:00.000")->begin_days(), 1.5);
  EXPECT_EQ(parse_period("1970-01-02 06:00Z")->begin_days(), 1.25);
  EXPECT_EQ(parse_period("1969-12-31")->begin_days(), -1);
  for (const char* text :
       {"", "19", "197x", "1970-", "1970-13", "1970-1", "1970-00", "1970-02-30", "1970-01-01T", "1970-01-01T25:00:00",
        "1970-01-01T10:61", "1970-01-01T10:00:00.5x", "1970-01-011", "-970", "1970-01-01T-1:00:00"}) {
    EXPECT_FALSE(parse_period(text)) << text;
  }
}

TEST(Metadata, ReadsWhatIsNeeded) {
  const auto metadata = read_metadata(
      "{\"id\": \"a/1\", \"topic\": \"a\", \"site\": \"x\", \"created\": \"1970-01-03\", \"tags\": [\"c++\"], "
      "\"author_id\": \"7\", \"author\": \"asker\", \"answers\": [{\"created\": \"1970-01-04\", \"votes\": -4, \"up\": "
      "1, "
      "\"down\": 5, "
      "\"author_id\": \"9\"}, {\"created\": null, \"up\": 2, \"author\": \"somebody\"}, {\"author_id\": \"9\"}]}\n\n"
      "{\"topic\": \"b\", \"id\": \"a/1\", \"created\": null}\r\n",
      "m.jsonl");
  ASSERT_TRUE(metadata) << metadata.error().text();
  ASSERT_EQ(metadata->size(), 2U);
  QuestionMetadata first;
  first.created = 2;
  first.tags = {"c++"};
  first.answers_created = {3, std::nullopt, std::nullopt};
  first.answers_votes = {-4, std::nullopt, std::nullopt};
  first.answers_counts = {std::pair<int64_t, int64_t>(1, 5), std::nullopt, std::nullopt};
  first.site = "x";
  first.asker = "x/7";
  first.authors = {"x/9", "x/somebody"};
  EXPECT_EQ(metadata->at({"a", "a/1"}), first);
  EXPECT_EQ(metadata->at({"b", "a/1"}), QuestionMetadata());
  EXPECT_TRUE(read_metadata("", "m.jsonl")->empty());
}

TEST(Metadata, SaysWhatIsWrong) {
  EXPECT_EQ(problem("{\"id\": \"1\", \"topic\": \"a\"}\n[]"), "m.jsonl, line 2: is not a JSON object");
  EXPECT_EQ(problem("{"), "m.jsonl, line 1: is not a JSON object");
  EXPECT_EQ(problem("{\"topic\": \"a\"}"), "m.jsonl, line 1: field id is not a string");
  EXPECT_EQ(problem("{\"id\": 1, \"topic\": \"a\"}"), "m.jsonl, line 1: field id is not a string");
  EXPECT_EQ(problem("{\"id\": \"1\", \"topic\": \"a\", \"created\": 5}"),
            "m.jsonl, line 1: field created is not a date");
  EXPECT_EQ(problem("{\"id\": \"1\", \"topic\": \"a\", \"tags\": \"x\"}"), "m.jsonl, line 1: field tags is not a list");
  EXPECT_EQ(problem("{\"id\": \"1\", \"topic\": \"a\", \"answers\": [1]}"),
            "m.jsonl, line 1: an answer is not an object");
  EXPECT_EQ(problem("{\"id\": \"1\", \"topic\": \"a\"}\n{\"id\": \"1\", \"topic\": \"a\"}"),
            "m.jsonl, line 2: question 1 (topic a) appears twice");
  EXPECT_EQ(problem("{\"id\": \"\xff\"}"), "m.jsonl, line 1: is not UTF-8");
}

TEST(Metadata, IsFoundBesideTheData) {
  const TestFolder folder;
  const std::string path = folder.write("set/metadata/questions.jsonl", "{\"id\": \"1\", \"topic\": \"a\"}\n");
  folder.write("set/data/x.parquet", "");
  EXPECT_EQ(find_metadata(folder / "set"), path);
  EXPECT_EQ(find_metadata(folder / "set/data"), path);
  EXPECT_FALSE(find_metadata("sample"));
  EXPECT_FALSE(find_metadata(""));
  EXPECT_FALSE(find_metadata(folder / "set/other")) << "another dataset's folder beside it";
  EXPECT_EQ(load_metadata(path)->size(), 1U);
  EXPECT_FALSE(load_metadata(folder / "nowhere"));
}

TEST(Metadata, OfAnotherDatasetIsTold) {
  const auto metadata =
      read_metadata(R"({"id": "1", "topic": "a", "answers": [{"votes": 3}, {"votes": -1}]})", "m.jsonl");
  ASSERT_TRUE(metadata);
  const QuestionMetadata& question = metadata->at({"a", "1"});
  EXPECT_TRUE(check_metadata(question, "1", std::vector<double>{3, -1}));
  EXPECT_FALSE(check_metadata(question, "1", std::vector<double>{3, 2}));
  EXPECT_FALSE(check_metadata(question, "1", std::vector<double>{3}));
  EXPECT_TRUE(check_metadata({}, "1", std::vector<double>{3}));
}

}  // namespace
}  // namespace hre::data
