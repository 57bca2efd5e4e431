#include "stackexchange/recipe.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>

namespace hre::stackexchange {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

std::string problem_of(const std::string& toml) {
  const Result<Recipe> recipe = parse_recipe(toml, "r.toml");
  return recipe ? "" : recipe.error().text();
}

constexpr const char* kTopic = "[[topic]]\nname = \"beer\"\nsites = [\"beer.stackexchange.com\"]\n";

TEST(Recipe, ReadsEveryKey) {
  const Recipe recipe = parse_recipe(R"(
name = "set"
description = "a set"
seed = 7
questions = 10
answers = 3
choose = "top-and-random"
code = "fenced"
text = "body"
near_duplicates = 0.5
[question]
min_score = -1
min_votes = 2
from = 2020-01-02
until = 2021-01-02
min_length = 3
max_length = 4000
max_code = 0.25
max_links = 0.5
drop = ["closed", "deleted_author"]
languages = ["en"]
min_views = 5
min_answers = 6
max_answers = 7
min_spread = 8
min_distinct = 3
min_answer_votes = 9
[answer]
within_days = 30
max_length_ratio = 2.5
[[topic]]
name = "cpp"
sites = ["stackoverflow.com"]
tags = ["c++"]
not_tags = ["c"]
questions = 20
[topic.answer]
min_votes = 1
)",
                                     "r.toml")
                            .value();
  EXPECT_EQ(recipe.seed, 7U);
  EXPECT_EQ(recipe.choose, Choice::kTopAndRandom);
  EXPECT_EQ(recipe.code, CodeStyle::kFenced);
  EXPECT_EQ(recipe.text, QuestionText::kBody);
  EXPECT_EQ(recipe.question.from_ms, 1577923200000);
  EXPECT_EQ(recipe.question.drop, unsigned{kDropClosed | kDropDeletedAuthor});
  EXPECT_EQ(recipe.answer.within_ms, int64_t{30} * 86'400'000);
  ASSERT_EQ(recipe.topics.size(), 1U);
  const Topic& topic = recipe.topics[0];
  EXPECT_EQ(topic.questions, 20);
  EXPECT_EQ(topic.question, recipe.question);
  EXPECT_EQ(topic.answer.min_votes, 1);
  EXPECT_EQ(topic.answer.within_ms, recipe.answer.within_ms) << "a topic's filters begin with the recipe's";
  EXPECT_THAT(topic.not_tags, ElementsAre("c"));
}

TEST(Recipe, TextOfAnyLanguageIsRead) {
  const std::string mark = "\xEF\xBB\xBF";  // a byte order mark
  const auto recipe = parse_recipe(
      mark + "# \u6771\nname = \"caf\u00E9\" # \u00E9\ndescription = \"\"\"\u4EAC\"\"\"\"\" # \u00E9\n", "r.toml");
  ASSERT_TRUE(recipe) << recipe.error().text();
  EXPECT_EQ(recipe->name, "caf\u00E9");
  EXPECT_EQ(recipe->description, "\u4EAC\"\"");
}

TEST(Recipe, FormattedAndReadAgainIsTheSame) {
  for (const auto& file : std::filesystem::recursive_directory_iterator(HRE_SOURCE_DIR "/recipes")) {
    if (file.path().extension() != ".toml") continue;
    const Result<Recipe> recipe = load_recipe(file.path());
    ASSERT_TRUE(recipe) << recipe.error().text();
    const Result<Recipe> again = parse_recipe(format_recipe(*recipe), "again");
    ASSERT_TRUE(again) << again.error().text();
    EXPECT_EQ(*again, *recipe);
  }
}

TEST(Recipe, TheFourteenTopics) {
  const Recipe recipe = load_recipe(HRE_SOURCE_DIR "/recipes/humanrankeval.toml").value();
  EXPECT_EQ(recipe.topics.size(), 14U);
  for (const Topic& topic : recipe.topics) EXPECT_EQ(topic.questions, 500) << topic.name;
  EXPECT_EQ(recipe.answers, 4);
}

TEST(Recipe, SitesMayHaveLanguagesOfTheirOwn) {
  const Recipe recipe = load_recipe(HRE_SOURCE_DIR "/recipes/humanrankeval.toml").value();
  const Topic& topic = recipe.topics.back();
  ASSERT_EQ(topic.name, "languages_sciences");
  const Topic latin = topic_of_site(topic, "latin.stackexchange.com");
  EXPECT_THAT(latin.question.languages, ::testing::ElementsAre("en", "la"));
  EXPECT_EQ(latin.answer.languages, latin.question.languages);
  EXPECT_EQ(topic_of_site(topic, "biology.stackexchange.com").question.languages, topic.question.languages);
  const auto error = [](const std::string& languages) {
    const auto read = parse_recipe(
        "[[topic]]\nname = \"a\"\nsites = [\"beer.stackexchange.com\"]\n[topic.site_languages]\n" + languages,
        "r.toml");
    return read ? "" : read.error().text();
  };
  EXPECT_EQ(error("\"beer.stackexchange.com\" = [\"en\"]"), "");
  EXPECT_EQ(error("\"bear.stackexchange.com\" = [\"en\"]"),
            "r.toml: line 5: unknown key 'bear.stackexchange.com' in topic.site_languages; did you mean "
            "beer.stackexchange.com?");
  EXPECT_EQ(error("\"beer.stackexchange.com\" = [\"English\"]"),
            "r.toml: line 1: site_languages: 'English' is not the code of a language (en)");
}

TEST(Recipe, MistakesAreToldWithLineAndKey) {
  const std::pair<std::string, std::string> cases[] = {
      {"sede = 3", "r.toml: line 1: unknown key 'sede'; did you mean seed?"},
      {"\nseed = \"a\"", "r.toml: line 2: seed is not a whole number"},
      {"seed = 1.5", "r.toml: line 1: seed is not a whole number"},
      {"seed = -1", "r.toml: line 1: seed is less than 0"},
      {"choose = \"best\"", "r.toml: line 1: choose is not one of: spread, top-and-random, random, later-wins, all"},
      {"[question]\nmin_viws = 3", "r.toml: line 2: unknown key 'min_viws' in question; did you mean min_views?"},
      {"[question]\nmax_code = 1.5", "r.toml: line 2: max_code in question is not a number between 0 and 1"},
      {"[question]\nfrom = \"2020\"", "r.toml: line 2: from in question is not a date (2023-04-30)"},
      {"[answer]\ndrop = [\"closed\"]",
       "r.toml: line 2: drop in answer does not take 'closed', only: locked, wiki, deleted_author, image_only, "
       "machine_phrase"},
      {"question = 3", "r.toml: line 1: question is not a table"},
      {"topic = 3", "r.toml: line 1: topic is not a list of tables ([[topic]])"},
      {"answers = 1", "r.toml: one answer per question can't be ranked; take at least 2 (answers = 4)"},
      {"[[topic]]\nname = \"A b\"",
       "r.toml: line 1: 'A b' is not a valid topic name; use lower-case letters, digits and _"},
      {"[[topic]]\nname = \"a\"", "r.toml: line 1: topic a has no source; give sites or sources"},
      {"[[topic]]\nname = \"a\"\nsites = [\"foo.com\"]",
       "r.toml: line 1: 'foo.com' is not a Stack Exchange site; for example beer.stackexchange.com"},
      {"choose = \"later-wins\"\nanswers = 0", "r.toml: later-wins needs a number of answers; take 2 (answers = 2)"},
      {"choose = \"later-wins\"\nlabel = \"accepted\"",
       "r.toml: later-wins finds at most two answers where acceptance is the label; take 2 (answers = 2)"},
      {std::string(kTopic) + kTopic, "r.toml: topic beer appears twice"},
      {"[answer]\nedited_within_days = 0", "r.toml: line 2: edited_within_days in answer is not between 1 and 100000"},
  };
  for (const auto& [toml, message] : cases) EXPECT_EQ(problem_of(toml), message) << toml;
  EXPECT_THAT(problem_of("x = ["), HasSubstr("r.toml: line 1, column"));
  EXPECT_THAT(problem_of("\nx = \"caf\u00E9 \u6771\u4EAC\" 1"), HasSubstr("r.toml: line 2, column 15"));
  // toml++ looks for the end of the number, and doesn't see that a string begins.
  EXPECT_THAT(problem_of("x=0--m[\"cl\u01BB"), HasSubstr("r.toml: line 1, column"));
  EXPECT_THAT(problem_of("# \u00e9\nname = \"\\\"\u00e9\" # \u00e9\ndescription = \u00e9"),
              HasSubstr("r.toml: line 3: a character outside"));
  EXPECT_EQ(problem_of("name = \"\u00e9\"\ndescription = \"\"\"\u0409\n'\"\u0409\"\"\"\n"), "");
}

TEST(Recipe, CharactersThatTomlHasNotAreRefused) {
  using namespace std::string_literals;
  for (const std::string& odd : {"\0"s, "\x1F"s, "\x7F"s, "\u00E9"s}) {
    EXPECT_THAT(problem_of("seed = 1\n[" + odd + "question]\n"), HasSubstr("r.toml: line 2: a character outside"));
    EXPECT_NE(problem_of("name = \"" + odd + "\nseed = 1\n"), "");
  }
}

TEST(Recipe, FiltersThatNothingPassesAreRefused) {
  const std::string cases[] = {
      "[question]\nmin_length = 5\nmax_length = 4\n",
      "[question]\nfrom = 2021-01-01\nuntil = 2021-01-01\n",
      "[answer]\nfrom = 2021-01-02\nuntil = 2021-01-01\n",
      "[question]\nmin_answers = 5\nmax_answers = 4\n",
      "answers = 4\n[question]\nmax_answers = 3\n",
      "answers = 2\n[question]\nmax_answers = 2\nmin_distinct = 3\n",
      "answers = 4\n[question]\nmin_distinct = 5\n",
      "label = \"accepted\"\n[question]\nmin_distinct = 3\n",
      "[question]\nfrom = 2021-01-01\n[answer]\nuntil = 2020-01-01\n",
  };
  for (const std::string& toml : cases) EXPECT_THAT(problem_of(toml + kTopic), HasSubstr("nothing can pass")) << toml;
  EXPECT_THAT(problem_of(std::string(kTopic) + "tags = [\"a\"]\nnot_tags = [\"a\"]\n"),
              HasSubstr("both wanted and in not_tags"));
}

TEST(Recipe, TopicsOfTheCommandLine) {
  const Recipe recipe = default_recipe();
  const Topic cpp = parse_topic("cpp=so@/d/x.7z,stackoverflow.com@/d/y.7z[c++][c++11]", recipe).value();
  EXPECT_EQ(cpp.name, "cpp");
  EXPECT_THAT(cpp.sources,
              ElementsAre(Source{"", "so@/d/x.7z", {}}, Source{"stackoverflow.com", "/d/y.7z", {"c++", "c++11"}}));
  EXPECT_TRUE(cpp.tags.empty());
  EXPECT_EQ(cpp.question, recipe.question);
  for (const char* bad : {"", "cpp", "=x", "cpp=[c++]", "a=stackoverflow.com@"})
    EXPECT_FALSE(parse_topic(bad, recipe)) << bad;
}

TEST(Recipe, SitesMayHaveTagsOfTheirOwn) {
  const std::string toml =
      "[[topic]]\nname = \"a\"\nsites = [\"beer.stackexchange.com[ipa][.net]\", \"wine.stackexchange.com\"]\ntags = "
      "[\"red\"]\n";
  const Recipe recipe = parse_recipe(toml, "r.toml").value();
  EXPECT_THAT(recipe.topics[0].sources, ElementsAre(Source{"beer.stackexchange.com", "", {"ipa", ".net"}},
                                                    Source{"wine.stackexchange.com", "", {}}));
  EXPECT_EQ(parse_recipe(format_recipe(recipe), "again").value(), recipe);
  EXPECT_THAT(problem_of(toml + "not_tags = [\"ipa\"]\n"), HasSubstr("tag ipa is both wanted and in not_tags"));
}

TEST(Recipe, ATopicOfTheRecipeKeepsItsTags) {
  const Recipe recipe = parse_recipe(std::string(kTopic) + "tags = [\"hops\"]\nquestions = 3\n", "r.toml").value();
  const Topic topic = parse_topic("beer=/dumps/beer.stackexchange.com", recipe).value();
  EXPECT_THAT(topic.tags, ElementsAre("hops"));
  EXPECT_EQ(topic.questions, 3);
  EXPECT_THAT(topic.sources, ElementsAre(Source{"", "/dumps/beer.stackexchange.com", {}}));
}

}  // namespace
}  // namespace hre::stackexchange
