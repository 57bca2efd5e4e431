#include "stackexchange/jsonl_posts.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "stackexchange/post.h"

namespace hre::stackexchange {
namespace {

using ::testing::ElementsAre;

// Rows as "Id>ParentId Score Body", and what is wrong with lines.
struct LinesRead {
  std::vector<std::string> rows, problems;
  std::vector<PostRecord> posts;
  int64_t lines = 0, cleaned = 0;
  std::string error;
};

LinesRead read_lines(std::string_view text, RowOptions options = {}) {
  const auto bytes = open_memory(text);
  JsonlReader reader(*bytes, "f.jsonl", options);
  LinesRead read;
  TableRow row;
  while (true) {
    const Result<bool> more = reader.next(row);
    if (!more) read.error = more.error().text();
    if (!more || !*more) break;
    PostRecord post;
    EXPECT_EQ(read_post(row, post), std::nullopt);
    read.posts.push_back(post);
    read.rows.push_back(*row.text("Id") + ">" + row.text("ParentId").value_or("") + " " +
                        row.text("Score").value_or("") + " " + row.text("Body").value_or(""));
  }
  for (const RowProblem& problem : reader.problems())
    read.problems.push_back(reader.where(problem.number, problem.offset) + ": " + problem.message);
  read.lines = reader.rows();
  read.cleaned = reader.cleaned();
  return read;
}

TEST(JsonLines, AQuestionWithItsAnswers) {
  const LinesRead read = read_lines(
      R"({"question": "Q", "title": "T", "created": "2024-07-01", "views": 9, "answers": [)"
      R"({"text": "A", "votes": 3, "created": 1719900000, "author": "a"}, )"
      R"({"text": "B", "score": "-1", "created": "2024-07-02 10:00Z", "accepted": true, "edited": "2024-07-03"}]})");
  EXPECT_THAT(read.rows, ElementsAre("1> 0 Q", "2>1 3 A", "3>1 -1 B"));
  EXPECT_THAT(read.problems, ElementsAre());
  EXPECT_EQ(read.lines, 1);
  EXPECT_EQ(read.posts[0].views, 9U);
  EXPECT_EQ(read.posts[1].created_ms, 1719900000000);
  EXPECT_EQ(read.posts[1].flags, 0);
  EXPECT_EQ(read.posts[2].flags, kAccepted | kDeletedAuthor);
  EXPECT_EQ(read.posts[2].edited_ms - read.posts[2].created_ms, 14 * 3'600'000);
}

TEST(JsonLines, APostOnEachLine) {
  const LinesRead read = read_lines(
      R"({"id": 7, "parent": "q1", "text": "A", "votes": 2, "created": "2024-07-02"}
{"id": "q1", "question": "Q", "created": "2024-07-01"}
{"id": "q2", "text": "R", "title": "no answers", "created": "2024-07-01"}
{"id": 8, "parent": "q1", "text": "B", "votes": 1, "created": "2024-07-02"}
{"id": 9, "parent": "q1", "text": "[deleted]", "votes": 1, "created": "2024-07-02"}
)");
  EXPECT_THAT(read.rows, ElementsAre("2>1 2 A", "1> 0 Q", "3> 0 R", "4>1 1 B", "5>  "));
  EXPECT_EQ(read.posts.back().kind, PostKind::kOther);
  EXPECT_THAT(read.problems, ElementsAre());
}

TEST(JsonLines, ExportsOfForums) {
  const LinesRead reddit = read_lines(
      R"({"id": "abc", "title": "T", "selftext": "Q", "score": 5, "created_utc": 1719900000, "edited": false, "url": "u"}
{"id": "d", "parent_id": "t3_abc", "body": "A", "score": 4, "created_utc": "1719900001", "edited": 1719900005.0}
{"id": "e", "parent_id": "t1_d", "body": "a reply", "score": 4, "created_utc": 1719900002})");
  EXPECT_THAT(reddit.rows, ElementsAre("1> 5 Q", "2>1 4 A", "3>  "));
  EXPECT_EQ(reddit.posts[1].edited_ms, 1719900005000);
  const LinesRead lemmy = read_lines(
      R"({"post": {"id": 1, "name": "T", "body": "Q", "published": "2024-07-01T10:00:00.123456Z"}, "counts": {"score": 5}}
{"comment": {"id": 1, "post_id": 1, "content": "A", "path": "0.1", "published": "2024-07-01T11:00:00Z"}, "counts": {"score": 4}, "post": {"id": 1, "name": "T", "body": "Q", "published": "2024-07-01T10:00:00Z"}}
{"comment": {"id": 2, "post_id": 1, "content": "a reply", "path": "0.1.2", "published": "2024-07-01T11:00:00Z"}, "counts": {"score": 4}}
{"comment": {"id": 3, "post_id": 1, "content": "B", "path": "0.3", "deleted": true, "published": "2024-07-01T11:00:00Z"}, "counts": {"score": 4}})");
  EXPECT_THAT(lemmy.rows, ElementsAre("1> 5 Q", "2>1 4 A", "3>  ", "4>  "));
  const LinesRead discourse = read_lines(
      R"({"id": 50, "topic_id": 4, "post_number": 1, "title": "T", "cooked": "<p>Q</p>", "like_count": 5, "score": 12.5, "created_at": "2024-07-01T10:00:00.123Z"}
{"id": 51, "topic_id": 4, "post_number": 2, "cooked": "<p>A</p>", "like_count": 4, "score": 1.5, "created_at": "2024-07-01T10:00:00Z", "reply_to_post_number": null, "user_id": 3}
{"id": 52, "topic_id": 4, "post_number": 3, "cooked": "<p>a reply</p>", "like_count": 4, "created_at": "2024-07-01T10:00:00Z", "reply_to_post_number": 2})");
  EXPECT_THAT(discourse.rows, ElementsAre("1> 5 <p>Q</p>", "2>1 4 <p>A</p>", "3>  "));
  for (const LinesRead* read : {&reddit, &lemmy, &discourse}) EXPECT_THAT(read->problems, ElementsAre());
}

TEST(JsonLines, WhatIsWrongIsToldByLineAndField) {
  const std::string good = R"({"question": "Q", "created": 0, "answers": []})";
  const std::pair<const char*, const char*> cases[] = {
      {"{not JSON", "is not a JSON object"},
      {"[1]", "is not a JSON object"},
      {R"({"question": "Q", "created": 0})", "has no answers, and neither an id nor a parent"},
      {R"({"question": "Q", "created": 0, "answers": 3})", "field answers is not a list"},
      {R"({"question": 3, "created": 0, "answers": []})", "field question is not a string"},
      {R"({"created": 0, "answers": []})", "field question is not a string"},
      {R"({"question": "Q", "created_at": "yesterday", "answers": []})",
       "field created_at is not a date (2024-07-01T12:00:00Z, or seconds since 1970)"},
      {R"({"question": "Q", "created": "20240701", "answers": []})",
       "field created is not a date (2024-07-01T12:00:00Z, or seconds since 1970)"},
      {R"({"question": "Q", "created": 0, "answers": [{"text": "A", "created": 0}]})",
       "an answer has neither votes nor score"},
      {R"({"question": "Q", "created": 0, "answers": [{"text": "A", "created": 0, "votes": 1.5}]})",
       "field votes is not a whole number below 2,000,000,000"},
      {R"({"post": {"id": 1, "body": "Q", "published": "x"}})",
       "field post.published is not a date (2024-07-01T12:00:00Z, or seconds since 1970)"},
      {R"({"question": "Q", "created": 0, "format": "markdown", "answers": []})",
       "field format is neither \"text\" nor \"html\""},
  };
  for (const auto& [line, message] : cases) {
    const std::string text = good + "\n\n" + line + "\n" + good;
    const LinesRead read = read_lines(text);
    EXPECT_THAT(read.problems, ElementsAre(std::string("f.jsonl: line 3: ") + message)) << line;
    EXPECT_THAT(read.rows, ElementsAre("1> 0 Q", "2> 0 Q")) << "a bad line has no number";
    EXPECT_EQ(read.lines, 3) << "empty lines are none";
    EXPECT_EQ(read_lines(text, {.strict = true}).error,
              std::string("f.jsonl: line 3: ") + message + "; without ‹strict› the row is skipped");
  }
}

TEST(JsonLines, ControlCharactersAreLeftOut) {
  const std::string line = R"({"question": "Q\u0001\u000e\n\té", "created": 0, "answers": []})";
  const LinesRead read = read_lines(line);
  EXPECT_THAT(read.rows, ElementsAre("1> 0 Q\n\té"));
  EXPECT_EQ(read.cleaned, 1);
  EXPECT_EQ(read_lines(line, {.strict = true}).error,
            "f.jsonl: line 1: has control characters; without ‹strict› the row is skipped");
}

TEST(JsonLines, ALineThatIsTooLongIsSkipped) {
  const std::string good = R"({"question": "Q", "created": 0, "answers": []})";
  const std::string text = good + "\n\"" + std::string(kLongestRow, 'x') + "\"\n" + good;
  const LinesRead read = read_lines(text);
  EXPECT_THAT(read.problems, ElementsAre("f.jsonl: line 2: the line is longer than 16 MiB"));
  EXPECT_THAT(read.rows, ElementsAre("1> 0 Q", "2> 0 Q"));
}

}  // namespace
}  // namespace hre::stackexchange
