#include "stackexchange/build.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>

#include "stackexchange/card.h"
#include "stackexchange/test_files.h"

namespace hre::stackexchange {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
namespace fs = std::filesystem;

// What a build came to.
struct Built {
  std::vector<Question> questions;
  std::vector<std::string> metadata;
  BuildReport report;
  std::string error;
  ErrorCode code = ErrorCode::kFailed;
  std::string bytes;  // everything that would be written
};

struct Way {
  int threads = 1;
  RowOptions rows = {};
  std::vector<std::string> why = {};
  std::string work = {};
  bool census = false;
  std::string known = {};  // a file or folder
  std::stop_token stop = {};
};

Built build(Recipe recipe, const Way& way = {}) {
  Built built;
  TestFolder folder;
  SilentProgress progress;
  Result<std::vector<Dump>> dumps = open_dumps(recipe, "");
  if (!dumps) {
    built.error = dumps.error().text();
    return built;
  }
  BuildOptions options;
  options.read.threads = way.threads;
  options.read.rows = way.rows;
  options.work = way.work.empty() ? folder.path() : way.work;
  options.why = way.why;
  options.census = way.census;
  std::optional<KnownTexts> known;
  if (!way.known.empty()) known = KnownTexts::load(way.known, "old", progress, way.stop).value();
  options.known = known ? &*known : nullptr;
  const BuildSink sink = [&](const Question& question, const std::string& metadata) -> Status {
    built.questions.push_back(question);
    built.metadata.push_back(metadata);
    built.bytes += metadata + "\n" + question.id + question.text;
    for (const Answer& answer : question.answers) built.bytes += answer.text + std::to_string(answer.votes);
    return {};
  };
  Result<BuildReport> report = build_dataset(recipe, *dumps, options, sink, progress, way.stop);
  if (!report) {
    built.error = report.error().text();
    built.code = report.error().code;
    return built;
  }
  built.report = std::move(*report);
  built.bytes += format_card(recipe, built.report) + format_resolved(recipe, built.report);
  return built;
}

Recipe recipe_of(const std::vector<std::string>& topics) {
  Recipe recipe = default_recipe();
  recipe.question = {};
  recipe.answer = {};
  for (const std::string& topic : topics) recipe.topics.push_back(parse_topic(topic, recipe).value());
  return recipe;
}

using Attributes = std::vector<std::pair<std::string, std::string>>;

Attributes question(int id, const std::string& tags = "<hops>") {
  return {{"Id", std::to_string(id)},
          {"PostTypeId", "1"},
          {"CreationDate", "2020-01-01T00:00:00.000"},
          {"Score", "5"},
          {"ViewCount", "10"},
          {"Body", "<p>Body " + std::to_string(id) + "?</p>\n"},
          {"OwnerUserId", "7"},
          {"Title", "Title " + std::to_string(id)},
          {"Tags", tags}};
}

Attributes answer(int id, int parent, int score) {
  return {{"Id", std::to_string(id)},
          {"PostTypeId", "2"},
          {"ParentId", std::to_string(parent)},
          {"CreationDate", "2020-01-02T00:00:00.000"},
          {"Score", std::to_string(score)},
          {"Body", "<p>Answer <b>" + std::to_string(id) + "</b></p>\n"},
          {"OwnerUserId", "8"}};
}

Attributes with(Attributes attributes, const std::string& name, const std::string& value) {
  for (auto& [key, old] : attributes) {
    if (key == name) {
      old = value;
      return attributes;
    }
  }
  attributes.emplace_back(name, value);
  return attributes;
}

// A question with five answers of scores 0, 10, 20, 30, 40 and ids right behind it.
std::string thread_of(int id, const std::string& tags = "<hops>") {
  std::string rows = row(question(id, tags));
  for (int i = 0; i < 5; ++i) rows += row(answer(id + 1 + i, id, 10 * i));
  return rows;
}

std::string beer(const TestFolder& folder, const std::string& rows) {
  std::string path = folder / "beer.stackexchange.com";
  write_file(path + "/Posts.xml", table(rows));
  return path;
}

TEST(Build, TakesQuestionsWithChosenAnswers) {
  TestFolder folder;
  const Built built = build(recipe_of({"beer=" + beer(folder, thread_of(10))}));
  ASSERT_EQ(built.error, "");
  ASSERT_EQ(built.questions.size(), 1U);
  EXPECT_EQ(built.questions[0],
            (Question{"beer/000000",
                      "beer",
                      "Title 10\n\nBody 10?",
                      {{"Answer 11", 0}, {"Answer 12", 10}, {"Answer 14", 30}, {"Answer 15", 40}}}));
  const auto json = nlohmann::json::parse(built.metadata[0]);
  EXPECT_EQ(json["url"], "https://beer.stackexchange.com/q/10");
  EXPECT_EQ(json["author_url"], "https://beer.stackexchange.com/users/7");
  EXPECT_EQ(json["licence"], "CC BY-SA 4.0");
  EXPECT_EQ(json["tags"], nlohmann::json({"hops"}));
  EXPECT_EQ(json["answers"][3]["url"], "https://beer.stackexchange.com/a/15");
  EXPECT_EQ(json["answers"][3]["votes"], 40);
  const Funnel& funnel = built.report.topics[0].funnel;
  EXPECT_EQ(funnel.questions, 1);
  EXPECT_EQ(funnel.answers, 5);
  EXPECT_EQ(funnel.answers_not_chosen, 1);
  EXPECT_EQ(funnel.taken_answers, 4);
}

TEST(Build, VotesAreCountedFromVotesXml) {
  TestFolder folder;
  const std::string path = beer(folder, thread_of(10));
  std::string votes;
  const std::pair<const char*, const char*> cast[] = {{"11", "2"}, {"11", "3"}, {"11", "3"},
                                                      {"12", "2"}, {"12", "5"}, {"99", "2"}};
  for (const auto& [post, type] : cast) votes += row({{"Id", "1"}, {"PostId", post}, {"VoteTypeId", type}});
  write_file(path + "/Votes.xml", table(votes, "votes"));
  const Built built = build(recipe_of({"beer=" + path}));
  ASSERT_EQ(built.error, "");
  const auto json = nlohmann::json::parse(built.metadata[0]);
  EXPECT_EQ(json["answers"][0]["up"], 1);
  EXPECT_EQ(json["answers"][0]["down"], 2);
  EXPECT_EQ(json["answers"][1]["up"], 1) << "favourites are no votes";
  EXPECT_EQ(json["answers"][0]["votes"], 0) << "what the dataset has is the score";
}

TEST(Build, LocksAreReadFromPostHistoryXml) {
  TestFolder folder;
  const std::string path = beer(folder, thread_of(10) + thread_of(20));
  std::string history;
  const std::pair<const char*, const char*> events[] = {{"10", "14"}, {"20", "14"}, {"20", "15"}};
  for (const auto& [post, type] : events) history += row({{"Id", "1"}, {"PostId", post}, {"PostHistoryTypeId", type}});
  write_file(path + "/PostHistory.xml", table(history, "posthistory"));
  Recipe recipe = recipe_of({"beer=" + path});
  recipe.topics[0].question.drop = kDropLocked;
  const Built built = build(recipe);
  ASSERT_EQ(built.questions.size(), 1U);
  EXPECT_THAT(built.questions[0].text, HasSubstr("Body 20"));
  EXPECT_EQ(built.report.topics[0].funnel.questions_removed[static_cast<size_t>(Reason::kLocked)], 1);
}

TEST(Build, OneSiteFeedsTopicsByTags) {
  TestFolder folder;
  const std::string path = beer(
      folder, thread_of(10, "<hops><malt>") + thread_of(20, "<malt>") + thread_of(30, "|yeast|") + thread_of(40, ""));
  const Built built = build(recipe_of({"malt=" + path + "[malt]", "rest=" + path + "[hops][yeast]"}));
  ASSERT_EQ(built.error, "");
  std::vector<std::pair<std::string, std::string>> got;
  for (const Question& q : built.questions) got.emplace_back(q.topic, q.text.substr(0, 8));
  EXPECT_THAT(got, ::testing::UnorderedElementsAre(std::pair("malt", "Title 10"), std::pair("malt", "Title 20"),
                                                   std::pair("rest", "Title 30")));
}

TEST(Build, EachSourceMayHaveItsOwnTags) {
  TestFolder folder;
  const std::string first = beer(folder, thread_of(10, "<hops>") + thread_of(20, "<malt>"));
  const std::string second = folder / "wine.stackexchange.com";
  write_file(second + "/Posts.xml", table(thread_of(30, "<red>") + thread_of(40, "<white>")));
  Recipe recipe = recipe_of({"drinks=" + first + "[malt]," + second});
  recipe.near_duplicates = 0;
  Built built = build(recipe);
  EXPECT_EQ(built.questions.size(), 3U) << built.error;
  EXPECT_THAT(format_recipe(recipe), HasSubstr("beer.stackexchange.com[malt]', "));
  recipe.topics[0].tags = {"red"};  // of sources that have none of their own
  built = build(recipe);
  EXPECT_EQ(built.questions.size(), 2U) << built.error;
}

TEST(Build, SeveralSitesFeedOneTopic) {
  TestFolder folder;
  const std::string first = beer(folder, thread_of(10));
  const std::string second = folder / "wine.stackexchange.com";
  write_file(second + "/Posts.xml",
             table(row(with(with(question(10), "Body", "<p>Wine?</p>"), "Title", "Of wine")) + row(answer(11, 10, 1)) +
                   row(answer(12, 10, 2)) + row(answer(13, 10, 3)) + row(answer(14, 10, 4))));
  const Built built = build(recipe_of({"drinks=" + first + "," + second}));
  EXPECT_EQ(built.questions.size(), 2U) << built.error;
  EXPECT_EQ(built.report.topics[0].sites.size(), 2U);
}

TEST(Build, NearDuplicatesAreDroppedAcrossTopics) {
  TestFolder folder;
  std::string rows = thread_of(10, "<a>");
  rows += row(with(with(question(20, "<b>"), "Title", "Title 10"), "Body", "<p>Body 10?</p>"));
  for (int i = 0; i < 4; ++i) rows += row(answer(21 + i, 20, i));
  const std::string path = beer(folder, rows);
  Recipe recipe = recipe_of({"one=" + path + "[a]", "two=" + path + "[b]"});
  Built built = build(recipe, {.why = {"20"}});
  EXPECT_EQ(built.questions.size(), 1U);
  EXPECT_EQ(built.report.topics[1].funnel.questions_removed[static_cast<size_t>(Reason::kDuplicate)], 1);
  EXPECT_THAT(built.report.fates.back(), HasSubstr("nearly the same as one/000000"));
  recipe.near_duplicates = 0;
  EXPECT_EQ(build(recipe).questions.size(), 2U);
}

/// A text of 13 words whose first word is its own.
std::string words_from(const std::string& first) { return first + " b c d e f g h i j k l m"; }

TEST(Build, QuestionsThatShareWordsWithKnownTextsAreLeftOut) {
  TestFolder folder;
  std::string rows =
      row(with(question(10), "Body", words_from("old"))) + row(with(question(20), "Body", words_from("new")));
  for (const int id : {10, 20, 30}) {
    for (int i = 0; i < 4; ++i) rows += row(answer(id + 1 + i, id, i));
  }
  rows += row(question(30)) + row(with(answer(35, 30, 9), "Body", "<p>x " + words_from("OLD") + "</p>"));
  const std::string known = folder / "old.txt";
  write_file(known, "y " + words_from("old") + " z");
  const Recipe recipe = recipe_of({"beer=" + beer(folder, rows)});
  const Built built = build(recipe, {.why = {"10"}, .known = known});
  ASSERT_EQ(built.questions.size(), 1U) << built.error;
  EXPECT_THAT(built.questions[0].text, HasSubstr("new"));
  EXPECT_EQ(built.report.topics[0].funnel.questions_removed[static_cast<size_t>(Reason::kKnown)], 2);
  EXPECT_THAT(built.report.fates.back(), HasSubstr("shares 13 words in a row with known texts"));
  EXPECT_THAT(built.bytes, HasSubstr("shares a run of 13 words with old (fingerprint "));
  write_file(known, "old b c d e f g h i j k l");
  EXPECT_EQ(build(recipe, {.known = known}).questions.size(), 3U) << "12 words";
  write_file(folder / "set/beer.jsonl", R"({"topic": "beer", "question": ")" + words_from("new") +
                                            R"(", "answers": [{"text": "a", "votes": 1}, {"text": "b", "votes": 2}]})" +
                                            "\n");
  EXPECT_EQ(build(recipe, {.known = folder / "set"}).questions.size(), 2U);
}

TEST(Build, ACensusCountsByMonthAndDrawsNothing) {
  TestFolder folder;
  std::string rows = thread_of(10) + thread_of(20) + row(with(question(30), "CreationDate", "2020-02-01T00:00:00.000"));
  const Built built = build(recipe_of({"beer=" + beer(folder, rows)}), {.census = true});
  EXPECT_TRUE(built.questions.empty());
  const auto& months = built.report.topics[0].months;
  ASSERT_EQ(months.size(), 2U);
  EXPECT_EQ(months.at("2020-01")[static_cast<size_t>(Reason::kNone)], 2);
  EXPECT_EQ(months.at("2020-02")[static_cast<size_t>(Reason::kFewAnswers)], 1);
}

TEST(Build, AnswersOfModelTimesAreTold) {
  TestFolder folder;
  std::string rows = thread_of(10) + row(with(with(answer(9, 10, 99), "LastEditDate", "2022-12-01T00:00:00.000"),
                                              "Body", "<p>As a large language model, I drink none.</p>"));
  Recipe recipe = recipe_of({"beer=" + beer(folder, rows)});
  const Built built = build(recipe);
  ASSERT_EQ(built.questions.size(), 1U) << built.error;
  const auto answers = nlohmann::json::parse(built.metadata[0])["answers"];
  EXPECT_EQ(answers[0]["since_2022_12"], true);
  EXPECT_EQ(answers[0]["machine_phrase"], "as a large language model");
  EXPECT_EQ(answers[1]["since_2022_12"], false);
  EXPECT_EQ(answers[1]["machine_phrase"], nullptr);
  EXPECT_THAT(built.bytes, HasSubstr("1 of 4 answers was posted or edited since 2022-12-01"));
  EXPECT_THAT(built.bytes, HasSubstr("language models may\nhave written it (`since_2022_12`"));
  EXPECT_THAT(built.bytes, ::testing::ContainsRegex(
                               "`hre canary GUID [0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}`"));
  const Built older = build(recipe_of({"beer=" + beer(folder, thread_of(10))}));
  EXPECT_THAT(older.bytes, HasSubstr("None of 4 answers was posted or edited since 2022-12-01"));
  EXPECT_THAT(older.bytes, HasSubstr("none of 4 answers was edited after its posting"));
  EXPECT_THAT(older.bytes, Not(HasSubstr("may\nhave written")));
  beer(folder, rows);
  recipe.topics[0].answer.drop = kDropMachinePhrase;
  EXPECT_EQ(build(recipe).report.topics[0].funnel.answers_removed[static_cast<size_t>(Reason::kMachine)], 1);
}

TEST(Build, AcceptanceIsToldAndMayBeTheLabel) {
  TestFolder folder;
  const std::string path =
      beer(folder, row(with(question(10), "AcceptedAnswerId", "12")) + thread_of(10).substr(row(question(10)).size()));
  Recipe recipe = recipe_of({"beer=" + path});
  Built built = build(recipe);
  ASSERT_EQ(built.questions.size(), 1U) << built.error;
  auto answers = nlohmann::json::parse(built.metadata[0])["answers"];
  EXPECT_EQ(answers[0]["accepted"], false);
  EXPECT_EQ(answers[1]["accepted"], true);
  EXPECT_EQ(answers[1]["votes"], 10);
  EXPECT_EQ(answers[1]["views_since"], 0) << "the last posts of the dump";
  EXPECT_EQ(answers[1]["votes_per_1000_views"], nullptr);
  EXPECT_FALSE(answers[1].contains("score"));
  EXPECT_THAT(built.bytes, HasSubstr("| those in this set |"));
  recipe.label = Label::kAccepted;
  built = build(recipe);
  ASSERT_EQ(built.questions.size(), 1U) << built.error;
  answers = nlohmann::json::parse(built.metadata[0])["answers"];
  for (size_t i = 0; i < 4; ++i) {
    EXPECT_EQ(built.questions[0].answers[i].votes, answers[i]["accepted"] == true ? 1 : 0);
    EXPECT_EQ(answers[i]["votes"], built.questions[0].answers[i].votes);
  }
  EXPECT_TRUE(answers[0].contains("score"));
  const Built none = build([&] {
    Recipe other = recipe_of({"beer=" + beer(folder, thread_of(10))});
    other.label = Label::kAccepted;
    return other;
  }());
  EXPECT_EQ(none.report.topics[0].funnel.questions_removed[static_cast<size_t>(Reason::kDistinct)], 1);
}

TEST(Build, LaterWinsTakesAnswersWhoseVotesRiseWithTime) {
  TestFolder folder;
  std::string rows = row(question(10)) + row(question(20));
  for (int i = 0; i < 5; ++i) {
    const std::string day = "2020-01-0" + std::to_string(2 + i) + "T00:00:00.000";
    rows += row(with(answer(11 + i, 10, i == 1 ? 50 : 10 * i), "CreationDate", day));
    rows += row(with(answer(21 + i, 20, 100 - i), "CreationDate", day));
  }
  Recipe recipe = recipe_of({"beer=" + beer(folder, rows)});
  recipe.choose = Choice::kLaterWins;
  recipe.answers = 3;
  const Built built = build(recipe);
  ASSERT_EQ(built.questions.size(), 1U) << built.error;
  EXPECT_THAT(built.questions[0].answers,
              ElementsAre(Answer{"Answer 11", 0}, Answer{"Answer 13", 20}, Answer{"Answer 15", 40}));
  EXPECT_EQ(built.report.topics[0].funnel.questions_removed[static_cast<size_t>(Reason::kLater)], 1);
  EXPECT_THAT(built.bytes, HasSubstr("| 100.0 % of 3 pairs; by chance 50 % |"));
}

TEST(Build, ControlsForAgeAndLength) {
  TestFolder folder;
  std::string rows = row(question(10));
  for (int i = 0; i < 6; ++i) {
    Attributes one =
        with(answer(11 + i, 10, i), "CreationDate", i < 5 ? "2020-01-03T00:00:00.000" : "2020-03-01T00:00:00.000");
    rows += row(with(one, "Body", "<p>" + std::string(i == 0 ? 500 : 20 + i, 'x') + "</p>"));
  }
  Recipe recipe = recipe_of({"beer=" + beer(folder, rows)});
  recipe.topics[0].answer.within_ms = int64_t{30} * 86'400'000;
  recipe.topics[0].answer.max_length_ratio = 2;
  const Built built = build(recipe);
  ASSERT_EQ(built.questions.size(), 1U) << built.error;
  const Funnel& funnel = built.report.topics[0].funnel;
  EXPECT_EQ(funnel.answers_removed[static_cast<size_t>(Reason::kDelay)], 1);
  EXPECT_EQ(funnel.answers_removed[static_cast<size_t>(Reason::kLengthRatio)], 1);
  for (const Answer& a : built.questions[0].answers) EXPECT_LT(a.text.size(), 40U);
}

TEST(Build, OddRowsAreCountedNotFatal) {
  TestFolder folder;
  std::string rows = thread_of(10);
  rows += row(answer(90, 89, 3));                                // its question is missing
  rows += row(question(10));                                     // an id that was there before
  rows += row({{"Id", "91"}, {"PostTypeId", "1"}});              // no score
  rows += row(with(question(92), "CreationDate", "yesterday"));  // no date
  rows += row(with(question(93), "Id", "9999999999"));           // no post's id
  rows += row({{"Id", "94"}, {"PostTypeId", "4"}, {"Body", "tag wiki"}});
  rows += "<row Id=\"95\" Body=\"\x01\" />\n";
  const std::string path = beer(folder, rows);
  const Built built = build(recipe_of({"beer=" + path}));
  ASSERT_EQ(built.error, "");
  const SiteCounts& counts = built.report.sites[0].counts;
  EXPECT_EQ(counts.orphans, 1);
  EXPECT_EQ(counts.repeated, 1);
  EXPECT_EQ(counts.skipped, 4);
  EXPECT_EQ(counts.others, 1);
  EXPECT_EQ(built.questions.size(), 1U);
  EXPECT_THAT(counts.problems[0], HasSubstr("Posts.xml: row 9, byte "));
  EXPECT_THAT(counts.problems[0], HasSubstr("Score is missing"));
  RowOptions strict;
  strict.strict = true;
  EXPECT_THAT(build(recipe_of({"beer=" + path}), {.rows = strict}).error, HasSubstr("row 9, byte "));
}

TEST(Build, FabricatedPostsAreRefusedAndCounted) {
  TestFolder folder;
  std::string rows = thread_of(10) + row(with(question(1000000001), "OwnerUserId", "-1")) +
                     row(with(answer(1000000010, 10, 99), "OwnerUserId", "-1")) + row(answer(999999999, 10, 50));
  const Built built = build(recipe_of({"beer=" + beer(folder, rows)}), {.rows = {.strict = true}});
  ASSERT_EQ(built.error, "");
  EXPECT_EQ(built.report.sites[0].counts.fabricated, 2);
  ASSERT_EQ(built.questions.size(), 1U);
  EXPECT_EQ(built.questions[0].answers.back(), (Answer{"Answer 999999999", 50}));
  EXPECT_THAT(format_site(built.report.sites[0]), HasSubstr("2 posts refused that Stack Exchange made up"));
}

TEST(Build, EditsAreTold) {
  TestFolder folder;
  std::string rows = row(with(question(10), "CreationDate", "2018-05-01T00:00:00.000"));
  for (int i = 0; i < 5; ++i) {
    const Attributes one = with(answer(11 + i, 10, i), "CreationDate", "2018-05-01T01:00:00.000");
    rows += row(with(one, "LastEditDate", i < 4 ? "2018-05-01T02:00:00.000" : "2018-05-03T00:00:00.000"));
  }
  Recipe recipe = recipe_of({"beer=" + beer(folder, rows)});
  Built built = build(recipe);
  ASSERT_EQ(built.questions.size(), 1U) << built.error;
  auto json = nlohmann::json::parse(built.metadata[0]);
  EXPECT_EQ(json["edited"], nullptr);
  EXPECT_EQ(json["licence"], "CC BY-SA 3.0");
  EXPECT_EQ(json["answers"][0]["edited"], "2018-05-01T02:00:00.000");
  EXPECT_EQ(json["answers"][0]["licence"], "CC BY-SA 3.0");
  EXPECT_EQ(json["answers"][3]["edited"], "2018-05-03T00:00:00.000");
  EXPECT_EQ(json["answers"][3]["licence"], "CC BY-SA 4.0") << "by the last edit";
  recipe.topics[0].answer.edited_within_ms = 86'400'000;
  built = build(recipe);
  EXPECT_EQ(built.report.topics[0].funnel.answers_removed[static_cast<size_t>(Reason::kEdited)], 1);
  EXPECT_EQ(built.questions.at(0).answers.back().votes, 3);
}

TEST(Build, VotesBeforeTheLastEditAreTold) {
  TestFolder folder;
  std::string rows = row(question(10)), votes;
  for (int i = 0; i < 4; ++i) {
    rows += row(with(answer(11 + i, 10, i), "LastEditDate", "2020-02-01T12:00:00.000"));
    const char* days[] = {"2020-01-31", "2020-02-01",
                          "2020-02-02"};  // votes have days: those of the edit's are after it
    for (const char* day : days) {
      votes += row({{"PostId", std::to_string(11 + i)},
                    {"VoteTypeId", i % 2 == 0 ? "2" : "3"},
                    {"CreationDate", std::string(day) + "T00:00:00.000"}});
    }
  }
  votes += row({{"PostId", "11"}, {"VoteTypeId", "2"}});  // without a date
  rows += row(answer(15, 10, 9));                         // not edited
  votes += row({{"PostId", "15"}, {"VoteTypeId", "2"}, {"CreationDate", "2020-01-03T00:00:00.000"}});
  const std::string path = beer(folder, rows);
  Recipe recipe = recipe_of({"beer=" + path});
  recipe.answers = 5;
  Built built = build(recipe);
  ASSERT_EQ(built.questions.size(), 1U) << built.error;
  EXPECT_EQ(nlohmann::json::parse(built.metadata[0])["answers"][0]["votes_before_edit"], nullptr) << "no Votes.xml";
  write_file(path + "/Votes.xml", table(votes, "votes"));
  built = build(recipe);
  const auto answers = nlohmann::json::parse(built.metadata[0])["answers"];
  for (int i = 0; i < 5; ++i) EXPECT_EQ(answers[static_cast<size_t>(i)]["votes_before_edit"], i < 4 ? 1 : 0);
  EXPECT_EQ(answers[0]["up"], 4);
  EXPECT_THAT(built.bytes, HasSubstr("4 of 14 votes whose dates are known were cast before"));
  recipe.topics[0].answer.max_votes_before_edit = 0.3;  // 1 of 4 passes, 1 of 3 does not
  recipe.answers = 2;
  built = build(recipe);
  EXPECT_EQ(built.report.topics[0].funnel.answers_removed[static_cast<size_t>(Reason::kBeforeEdit)], 3);
}

TEST(Build, StrictRefusesAnswersWithoutQuestionAndRepeatedPosts) {
  TestFolder folder;
  const Way way{.rows = {.strict = true}};
  std::string rows = thread_of(10) + row(answer(90, 89, 3));
  std::string path = beer(folder, rows);
  EXPECT_EQ(build(recipe_of({"beer=" + path}), way).error,
            path + "/Posts.xml: row 7, byte " + std::to_string(table(rows).find("<row Id=\"90\"")) +
                ": answer 90 belongs to question 89, which is missing; without ‹strict› the answer is left out");
  rows = thread_of(10) + row(answer(12, 10, 3));
  path = beer(folder, rows);
  EXPECT_EQ(build(recipe_of({"beer=" + path}), way).error,
            path + "/Posts.xml: row 7, byte " + std::to_string(table(rows).rfind("<row Id=\"12\"")) +
                ": post 12 appears twice; without ‹strict› the first is taken");
}

TEST(Build, AnswersMayStandBeforeTheirQuestion) {
  TestFolder folder;
  std::string rows;
  for (int i = 0; i < 4; ++i) rows += row(answer(11 + i, 50, i));
  EXPECT_EQ(build(recipe_of({"beer=" + beer(folder, rows + row(question(50)))})).questions.size(), 1U);
}

// --- the same bytes --------------------------------------------------------------------------

std::string some_rows(int n) {
  std::string rows;
  for (int i = 0; i < n; ++i) rows += thread_of(10 * i + 1, i % 3 == 0 ? "<hops>" : "<malt>");
  return rows;
}

TEST(Build, TheSameBytesFromFoldersArchivesAndThreads) {
  TestFolder folder;
  const std::string xml = table(some_rows(400));
  const std::string plain = beer(folder, some_rows(400));
  const std::string site = folder / "beer.stackexchange.com.7z",
                    posts = folder / "more/beer.stackexchange.com-Posts.7z";
  const std::string votes = table(row({{"Id", "1"}, {"PostId", "2"}, {"VoteTypeId", "2"}}), "votes");
  write_file(plain + "/Votes.xml", votes);
  write_archive(site, {{"Badges.xml", "<badges/>"}, {"Posts.xml", xml}, {"Votes.xml", votes}});
  fs::create_directories(folder / "more");
  write_archive(posts, {{"Posts.xml", xml}});
  write_archive(folder / "more/beer.stackexchange.com-Votes.7z", {{"Votes.xml", votes}});
  Recipe recipe = recipe_of({"beer=" + plain});
  recipe.topics[0].questions = 50;
  const Built first = build(recipe);
  ASSERT_EQ(first.error, "");
  ASSERT_EQ(first.questions.size(), 50U);
  for (const std::string& path : {plain, site, posts}) {
    for (const int threads : {1, 2, 5}) {
      recipe.topics[0].sources = {{"", path, {}}};
      const Built built = build(recipe, {.threads = threads});
      EXPECT_EQ(built.error, "");
      EXPECT_EQ(built.bytes, first.bytes) << path << " " << threads;
    }
  }
}

TEST(Build, ADoctypeWithoutDeclarationsIsSkippedInArchivesToo) {
  TestFolder folder;
  const std::string path = folder / "beer.stackexchange.com.7z", posts = "<posts>\n" + some_rows(9) + "</posts>\n";
  write_archive(path, {{"Posts.xml", "<!DOCTYPE posts [ <!-- none --> ]>\n" + posts}});
  EXPECT_EQ(build(recipe_of({"beer=" + path})).questions.size(), 9U);
  write_archive(path, {{"Posts.xml", "<!DOCTYPE posts [ <!ENTITY a \"b\"> ]>\n" + posts}});
  EXPECT_THAT(build(recipe_of({"beer=" + path})).error, HasSubstr("DOCTYPE has declarations"));
}

TEST(Build, FewerQuestionsAreTheFirstOfMore) {
  TestFolder folder;
  Recipe recipe = recipe_of({"beer=" + beer(folder, some_rows(60))});
  recipe.topics[0].questions = 40;
  const Built many = build(recipe);
  recipe.topics[0].questions = 7;
  const Built few = build(recipe);
  ASSERT_EQ(few.questions.size(), 7U);
  EXPECT_TRUE(std::equal(few.questions.begin(), few.questions.end(), many.questions.begin()));
}

// --- taking up again -------------------------------------------------------------------------

TEST(Build, IntermediateFilesAreTakenUpWhereNothingChanged) {
  TestFolder folder, work;
  const std::string path = beer(folder, some_rows(30));
  Recipe recipe = recipe_of({"beer=" + path});
  const Way way{.work = work.path()};
  const Built first = build(recipe, way), second = build(recipe, way);
  EXPECT_FALSE(first.report.sites[0].index_reused);
  EXPECT_TRUE(second.report.sites[0].index_reused);
  EXPECT_TRUE(second.report.sites[0].texts_reused);
  EXPECT_EQ(second.bytes, first.bytes);
  recipe.topics[0].question.min_views = 11;  // another filter: the index stays, the texts do not
  const Built third = build(recipe, way);
  EXPECT_TRUE(third.report.sites[0].index_reused);
  EXPECT_FALSE(third.report.sites[0].texts_reused);
  EXPECT_EQ(third.questions.size(), 0U);
  recipe.topics[0].question.min_views = 0;
  beer(folder, some_rows(31));  // another dump
  const Built fourth = build(recipe, way);
  EXPECT_FALSE(fourth.report.sites[0].index_reused);
  EXPECT_EQ(fourth.questions.size(), 31U);
}

TEST(Build, StopsWhereAskedAndGoesOnLater) {
  TestFolder folder, work;
  Recipe recipe = recipe_of({"beer=" + beer(folder, some_rows(2000))});
  std::stop_source stop;
  stop.request_stop();
  const Built stopped = build(recipe, {.work = work.path(), .stop = stop.get_token()});
  EXPECT_EQ(stopped.error, "interrupted");
  EXPECT_EQ(stopped.code, ErrorCode::kInterrupted);
  EXPECT_TRUE(stopped.questions.empty());
  EXPECT_EQ(build(recipe, {.work = work.path()}).bytes, build(recipe).bytes);
}

TEST(Build, IntermediateFilesThatAreNotWholeAreMadeAnew) {
  TestFolder folder, work;
  Recipe recipe = recipe_of({"beer=" + beer(folder, some_rows(300))});
  const Way way{.work = work.path()};
  const std::string whole = build(recipe, way).bytes;
  const std::string index = work / "beer.stackexchange.com.index/";
  for (const char* name :
       {"groups", "groups.blocks", "index.json", "records", "records.blocks", "texts", "texts.key"}) {
    SCOPED_TRACE(name);
    ASSERT_TRUE(fs::exists(index + name));
    fs::resize_file(index + name, fs::file_size(index + name) / 2);
    EXPECT_EQ(build(recipe, way).bytes, whole);
    fs::remove(index + name);
    EXPECT_EQ(build(recipe, way).bytes, whole);
  }
}

TEST(Build, StopsWhileAnArchiveIsPassedOver) {
  TestFolder folder;
  const std::string path = folder / "beer.stackexchange.com.7z";
  write_archive(path, {{"Badges.xml", std::string(64 << 20, 'x')}, {"Posts.xml", table(some_rows(3))}});
  std::stop_source stop;
  stop.request_stop();
  const auto no_visit = [](const std::string&, ByteSource& bytes) -> Status {
    char c = 0;
    Result<size_t> got = bytes.read(&c, 1);
    return got ? Status() : forward(got);
  };
  const Status status = data::visit_archive(
      path, [](const std::string& name) { return name == "Posts.xml"; }, no_visit, stop.get_token());
  ASSERT_FALSE(status);
  EXPECT_EQ(status.error().code, ErrorCode::kInterrupted);
}

// --- fates -----------------------------------------------------------------------------------

TEST(Build, TellsTheFateOfPosts) {
  TestFolder folder;
  std::string rows = thread_of(10) + thread_of(20, "<malt>") + row(question(30)) + row(answer(31, 99, 1));
  Recipe recipe = recipe_of({"beer=" + beer(folder, rows) + "[hops]"});
  const Built built = build(recipe, {.why = {"10", "13", "beer.stackexchange.com/20", "30", "31", "77"}});
  EXPECT_THAT(built.report.fates,
              ElementsAre("beer.stackexchange.com/10: a question of topic beer, score 5, 5 votes "
                          "cast, 5 answers read; passed with 5 answers",
                          "beer.stackexchange.com/10: taken as beer/000000",
                          "beer.stackexchange.com/13: an answer to 10 of topic beer, score 20, 20 "
                          "votes cast; passed, but others were chosen",
                          "beer.stackexchange.com/20: a question of no topic: no topic takes its tags",
                          "beer.stackexchange.com/30: a question of topic beer, score 5, 5 votes "
                          "cast, 0 answers read; removed: too few answers left",
                          "beer.stackexchange.com/31: an answer whose question 99 is missing",
                          "77: no question or answer with this id was read"));
}

TEST(Build, TheFunnelAddsUp) {
  TestFolder folder;
  std::string rows = some_rows(80);
  for (int i = 0; i < 20; ++i) rows += row(question(5000 + i));
  Recipe recipe = recipe_of({"beer=" + beer(folder, rows)});
  recipe.topics[0].questions = 30;
  recipe.topics[0].answer.min_votes = 5;
  const Built built = build(recipe);
  const Funnel& f = built.report.topics[0].funnel;
  const auto sum = [](const auto& counts) { return std::accumulate(counts.begin(), counts.end(), int64_t{0}); };
  EXPECT_EQ(f.questions, sum(f.questions_removed) + f.taken_questions);
  EXPECT_EQ(f.answers, sum(f.answers_removed) + f.answers_with_question + f.answers_not_chosen + f.taken_answers);
  EXPECT_EQ(f.taken_questions, 30);
}

// --- bad sources -----------------------------------------------------------------------------

TEST(Build, BadSourcesAreToldApart) {
  TestFolder folder;
  const auto error = [&](const std::string& path) { return build(recipe_of({"beer=" + path})).error; };
  EXPECT_THAT(error(folder / "nothing"), HasSubstr("there is no such file or folder"));
  write_file(folder / "dump1/Posts.xml", table(""));
  EXPECT_THAT(error(folder / "dump1"), HasSubstr("'dump1' is not a Stack Exchange site"));
  EXPECT_EQ(error("beer.stackexchange.com@" + folder / "dump1"), "");
  fs::create_directories(folder / "wine.stackexchange.com");
  EXPECT_THAT(error(folder / "wine.stackexchange.com"), HasSubstr("holds no Posts.xml"));
  write_archive(folder / "gin.stackexchange.com.7z", {{"Posts.xml", table("")}, {"old/Posts.xml", table("")}});
  EXPECT_THAT(error(folder / "gin.stackexchange.com.7z"),
              HasSubstr(":old/Posts.xml: the table exists twice, also as "));
  write_file(folder / "rum.stackexchange.com.7z", "7z\xBC\xAF\x27\x1C rubbish");
  EXPECT_THAT(error(folder / "rum.stackexchange.com.7z"), HasSubstr("the archive can't be read"));
}

TEST(Build, ACutArchiveIsAnError) {
  TestFolder folder;
  const std::string path = folder / "beer.stackexchange.com.7z";
  write_archive(path, {{"Posts.xml", table(some_rows(300))}});
  const std::string whole = read_file(path);
  for (const size_t size : {whole.size() / 2, whole.size() - 5, size_t{40}}) {
    write_file(path, whole.substr(0, size));
    EXPECT_THAT(build(recipe_of({"beer=" + path})).error, HasSubstr("the archive can't be read")) << size;
  }
  std::string spoiled = whole;
  spoiled[whole.size() / 3] = static_cast<char>(spoiled[whole.size() / 3] ^ 0x55);
  write_file(path, spoiled);
  EXPECT_THAT(build(recipe_of({"beer=" + path})).error, HasSubstr(path + ":Posts.xml: byte "));
}

}  // namespace
}  // namespace hre::stackexchange
