#include "data/jsonl_reader.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace hre::data {
namespace {

constexpr const char* kGood =
    R"({"question": "Q", "answers": [{"text": "A", "votes": 1}, {"text": "B", "votes": "-2"}]})";

Result<std::vector<Row>> all_rows(const std::string& text, size_t longest_line = kLongestLine) {
  Result<std::unique_ptr<RowReader>> reader = read_jsonl(text, "q.jsonl", longest_line);
  if (!reader) return forward(reader);
  std::vector<Row> rows;
  for (;;) {
    Result<std::optional<Row>> row = (*reader)->next();
    if (!row) return forward(row);
    if (!*row) return rows;
    rows.push_back(**std::move(row));
  }
}

// The place and message of what is wrong with a text; what comes next is left out.
std::string problem_of_text(const std::string& text, size_t longest_line = kLongestLine) {
  const Result<std::vector<Row>> rows = all_rows(text, longest_line);
  if (rows) return "no error";
  EXPECT_EQ(rows.error().code, ErrorCode::kInput);
  EXPECT_FALSE(rows.error().next.empty());
  return rows.error().where + ": " + rows.error().message;
}

TEST(Jsonl, ReadsRows) {
  const auto rows = all_rows(
      R"({"id": "a", "topic": "T", "question": "ü\n日本\u0000", "answers": [{"votes": 2.5, "text": ""}], "x": [1, {"y": [null]}]})"
      "\n\n  \r\n" +
      std::string(kGood) + "\r\n" + R"({"id": 17, "topic": null, "question": "", "answers": []})");
  ASSERT_TRUE(rows) << rows.error().text();
  ASSERT_EQ(rows->size(), 3u);
  EXPECT_EQ((*rows)[0].id, "a");
  EXPECT_EQ((*rows)[0].topic, "T");
  EXPECT_EQ((*rows)[0].text, std::string("ü\n日本\0", 10));
  EXPECT_EQ((*rows)[0].answers, (std::vector<Answer>{{"", 2.5}}));
  EXPECT_EQ((*rows)[1].id, std::nullopt);
  EXPECT_EQ((*rows)[1].topic, std::nullopt);
  EXPECT_EQ((*rows)[1].answers, (std::vector<Answer>{{"A", 1}, {"B", -2}}));
  EXPECT_EQ((*rows)[2].id, "17");
  EXPECT_EQ((*rows)[2].topic, std::nullopt);
}

/// As `datasets` writes a Sequence of structs.
TEST(Jsonl, AnswersMayBeAnObjectOfLists) {
  const auto rows = all_rows(
      R"({"question": "Q", "answers": {"votes": ["3", -1], "text": ["A", "B"], "author": [{"a": [1]}, null]}, "id": 9007199254740993})");
  ASSERT_TRUE(rows) << rows.error().text();
  EXPECT_EQ((*rows)[0].answers, (std::vector<Answer>{{"A", 3}, {"B", -1}}));
  EXPECT_EQ((*rows)[0].id, "9007199254740993");
  for (const char* bad : {R"({"question": "Q", "answers": {"text": ["A", "B"], "votes": [1]}})",
                          R"({"question": "Q", "answers": {"text": ["A", "B"]}})",
                          R"({"question": "Q", "answers": {"text": ["A", null], "votes": [1, 2]}})",
                          R"({"question": "Q", "answers": {"text": "A", "votes": [1]}})",
                          R"({"question": "Q", "answers": {"text": ["A", ["B"]], "votes": [1, 2]}})"}) {
    EXPECT_FALSE(all_rows(bad)) << bad;
  }
}

TEST(Jsonl, EmptyInputHasNoRows) {
  for (const char* text : {"", "\n", " \n\t\n"}) {
    const auto rows = all_rows(text);
    ASSERT_TRUE(rows) << rows.error().text();
    EXPECT_TRUE(rows->empty());
  }
}

TEST(Jsonl, NamesLineAndField) {
  const std::string good = std::string(kGood) + "\n";
  const auto line = [](const std::string& answers) { return R"({"question": "Q", "answers": )" + answers + "}"; };
  const std::string first = R"([{"text": "A", "votes": 1}, )";
  EXPECT_EQ(problem_of_text(good + line(first + R"({"text": "B", "votes": "many"}])")),
            R"(q.jsonl, line 2, answer 2, field votes: "many" is not a number)");
  EXPECT_EQ(problem_of_text(good + line(first + R"({"text": null, "votes": 1}])")),
            "q.jsonl, line 2, answer 2, field text: an answer without text (null)");
  EXPECT_EQ(problem_of_text(line(first + R"({"votes": 1}])")), "q.jsonl, line 1, answer 2: an answer without text");
  EXPECT_EQ(problem_of_text(line(first + R"({"text": "B"}])")), "q.jsonl, line 1, answer 2: an answer without votes");
  EXPECT_EQ(
      problem_of_text(line(first + R"({"text": "B", "votes": true}])")),
      "q.jsonl, line 1, answer 2, field votes: a boolean where a number or a string that holds a number is expected");
  EXPECT_EQ(problem_of_text(line(first + R"({"text": ["B"], "votes": 1}])")),
            "q.jsonl, line 1, answer 2, field text: a list where a string is expected");
  EXPECT_EQ(problem_of_text(line(first + R"({"text": "B", "text": "C", "votes": 1}])")),
            "q.jsonl, line 1, answer 2, field text: the field appears twice");
  EXPECT_EQ(problem_of_text(line(first + "7]")),
            "q.jsonl, line 1, answer 2: a number where an object with text and votes is expected");
  EXPECT_EQ(problem_of_text(line("{}")), "q.jsonl, line 1, field answers: answers without text");
  EXPECT_EQ(problem_of_text(line("null")), "q.jsonl, line 1, field answers: null where a list is expected");
  EXPECT_EQ(problem_of_text(R"({"question": "Q"})"), R"(q.jsonl, line 1: no field "answers")");
  EXPECT_EQ(problem_of_text(R"({"answers": []})"), R"(q.jsonl, line 1: no field "question")");
  EXPECT_EQ(problem_of_text(R"({"question": 3, "answers": []})"),
            "q.jsonl, line 1, field question: a number where a string is expected");
  EXPECT_EQ(problem_of_text(R"({"id": "", "question": "Q", "answers": []})"),
            "q.jsonl, line 1, field id: the id is empty");
  EXPECT_EQ(problem_of_text(R"({"id": 1.5, "question": "Q", "answers": []})"),
            "q.jsonl, line 1, field id: a number where a string is expected");
  EXPECT_EQ(problem_of_text("[" + good), "q.jsonl, line 1: a list where an object is expected");
}

TEST(Jsonl, WhatIsNotJsonIsSaidWhere) {
  for (const char* text :
       {"{", "{\"question\": \"Q\"", "nonsense", "{\"question\": \"\xFF\"}", "{\"question\": \"\\ud800\"}", "{} {}",
        "{\"question\": 1e999}", "{\"question\":\x01}", "\xEF\xBB"}) {
    EXPECT_EQ(problem_of_text(text).find("q.jsonl, line 1"), 0u) << text << ": " << problem_of_text(text);
  }
  EXPECT_NE(problem_of_text("{\"question\": \"ab\xFF\"}").find("byte 17: this is not JSON: "), std::string::npos)
      << problem_of_text("{\"question\": \"ab\xFF\"}");
  EXPECT_NE(problem_of_text("{\"question\": \"ab\xFF\"}").find("UTF-8"), std::string::npos);
}

TEST(Jsonl, ALongLineIsRefusedAndABlankOneIsNot) {
  const size_t length = std::string(kGood).size();
  EXPECT_TRUE(all_rows(std::string(kGood) + "\n" + kGood, length));
  EXPECT_EQ(problem_of_text(std::string(kGood) + "\n" + kGood, length - 1),
            "q.jsonl, line 1: the line is longer than " + std::to_string(length - 1) + " bytes");
}

TEST(Jsonl, DepthCostsNoStack) {
  constexpr size_t kDepth = 5'000'000;
  const std::string deep =
      R"({"x": )" + std::string(kDepth, '[') + std::string(kDepth, ']') + ", " + std::string(kGood).substr(1);
  const auto rows = all_rows(deep);
  ASSERT_TRUE(rows) << rows.error().text();
  EXPECT_EQ(rows->size(), 1u);
  EXPECT_EQ(problem_of_text(std::string(kDepth, '[')), "q.jsonl, line 1: a list where an object is expected");
  EXPECT_NE(problem_of_text(R"({"x": )" + std::string(kDepth, '{')).find("this is not JSON"), std::string::npos);
}

}  // namespace
}  // namespace hre::data
