#pragma once
/// A recipe: everything that decides which questions and answers a dataset consists of. It is read from TOML and
/// checked as a whole before any dump is read; docs/datasets.md explains every key.

#include <cstdint>
#include <limits>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "hre/result.h"
#include "stackexchange/html.h"

namespace hre::stackexchange {

/// Marks by which a filter can drop posts.
enum Drop : unsigned {
  kDropClosed = 1,
  kDropLocked = 2,
  kDropWiki = 4,
  kDropDeletedAuthor = 8,
  kDropImageOnly = 16,      ///< nothing but images
  kDropMachinePhrase = 32,  ///< a phrase of chat models (machine_text.h)
};

/// Filters that questions and answers have in common. Bounds are inclusive unless stated otherwise.
struct PostFilter {
  int64_t min_score = std::numeric_limits<int32_t>::min();
  int64_t min_votes = 0;  ///< up and down votes cast
  int64_t from_ms = std::numeric_limits<int64_t>::min();
  int64_t until_ms = std::numeric_limits<int64_t>::max();  ///< exclusive
  int64_t min_length = 1;                                  ///< code points of the text
  int64_t max_length = std::numeric_limits<int64_t>::max();
  double max_code = 1;                                             ///< share of code in the text, white space aside
  double max_links = 1;                                            ///< share of link text
  int64_t edited_within_ms = std::numeric_limits<int64_t>::max();  ///< the last edit, after the post was written
  double max_votes_before_edit = 1;                                ///< share of its votes, before its last edit
  unsigned drop = 0;                                               ///< a combination of Drop
  std::vector<std::string> languages;  ///< codes ("en"); empty: any. A text without a clear language passes

  bool operator==(const PostFilter&) const = default;
};

struct QuestionFilter : PostFilter {
  int64_t min_views = 0;
  int64_t min_answers = 0;  ///< answers that pass the answers' filters; 0: as many as are taken
  int64_t max_answers = std::numeric_limits<int64_t>::max();
  int64_t min_spread = 0;        ///< highest minus lowest score of those answers
  int64_t min_distinct = 2;      ///< number of different scores among them
  int64_t min_answer_votes = 0;  ///< votes cast on all of them together

  bool operator==(const QuestionFilter&) const = default;
};

struct AnswerFilter : PostFilter {
  int64_t within_ms = std::numeric_limits<int64_t>::max();  ///< after the question was posted
  double max_length_ratio = 0;                              ///< longest to shortest answer; 0: any

  bool operator==(const AnswerFilter&) const = default;
};

enum class Choice { kSpread, kTopAndRandom, kRandom, kLaterWins, kAll };
enum class Label { kVotes, kAccepted };
enum class QuestionText { kTitleAndBody, kBody, kTitle };

/// A dump to read, given by its site, its path, or both.
struct Source {
  std::string site;               ///< empty: follows from the path
  std::string path;               ///< empty: to be found in the folder of dumps
  std::vector<std::string> tags;  ///< replace the topic's tags for this source; empty: the topic's

  bool operator==(const Source&) const = default;
};

struct Topic {
  std::string name;  ///< "soft_eng"
  std::vector<Source> sources;
  std::vector<std::string> tags;      ///< a question needs one of them; empty: all questions
  std::vector<std::string> not_tags;  ///< a question must have none of them
  int64_t questions = 0;              ///< 0: all
  QuestionFilter question;
  AnswerFilter answer;
  std::map<std::string, std::vector<std::string>> site_languages;  ///< of questions and answers, for sites of their own

  bool operator==(const Topic&) const = default;
};

struct Recipe {
  std::string name = "dataset";
  std::string description;
  uint64_t seed = 42;
  int64_t questions = 500;  ///< per topic; 0: all
  int64_t answers = 4;      ///< per question; 0: all
  Choice choose = Choice::kSpread;
  Label label = Label::kVotes;  ///< what the dataset has as votes
  CodeStyle code = CodeStyle::kPlain;
  QuestionText text = QuestionText::kTitleAndBody;
  double near_duplicates = 0.8;  ///< a question is dropped from this Jaccard similarity of word 5-grams on; 0: off
  QuestionFilter question;       ///< for topics without filters of their own
  AnswerFilter answer;
  std::vector<Topic> topics;

  bool operator==(const Recipe&) const = default;
};

/// The default recipe, without topics.
Recipe default_recipe();

/// Reads a recipe; `place` names it in messages. Errors name line and key: unknown keys (with the most similar known
/// key), wrong types, and filters that nothing can pass.
Result<Recipe> parse_recipe(std::string_view toml, const std::string& place);
Result<Recipe> load_recipe(const std::string& path);

/// Parses a SOURCE of the command line: PATH or SITE@PATH, followed by [tag][tag] to take only some questions.
Result<Source> parse_source(const std::string& text);

/// Parses "NAME=SOURCE[,SOURCE...]": "cpp=stackoverflow.com-Posts.7z[c++]". The topic gets the filters and tags of the
/// recipe's topic of that name, or else the recipe's filters.
Result<Topic> parse_topic(const std::string& text, const Recipe& recipe);

/// The topic as it is for one of its sites, with this site's languages.
Topic topic_of_site(const Topic& topic, const std::string& site);

/// Makes the checks that need several keys: filters that nothing passes, duplicate topics, a topic without sources.
Status check_recipe(const Recipe& recipe, const std::string& place);

/// The complete recipe as TOML, every key with its value; sources only by site.
std::string format_recipe(const Recipe& recipe);

std::string name_of(Choice choice);
std::string name_of(Label label);
std::string name_of(CodeStyle code);
std::string name_of(QuestionText text);

}  // namespace hre::stackexchange
