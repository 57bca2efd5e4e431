// Checks of recipes that need more than one key.
#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "hre/dataset.h"
#include "stackexchange/dump.h"
#include "stackexchange/post.h"
#include "stackexchange/recipe_names.h"

namespace hre::stackexchange {
namespace {

Status impossible(const std::string& what, const std::string& place) {
  return input_error("nothing can pass: " + what, place, "change one of the two");
}

Status check_languages(const std::vector<std::string>& codes, const std::string& key, const std::string& place) {
  for (const std::string& code : codes) {
    const bool good = (code.size() == 2 || code.size() == 3) &&
                      std::all_of(code.begin(), code.end(), [](char c) { return c >= 'a' && c <= 'z'; });
    if (!good) return input_error(fmt::format("{}: '{}' is not the code of a language (en)", key, code), place);
  }
  return {};
}

Status check_post(const PostFilter& filter, const std::string& who, const std::string& place) {
  if (filter.until_ms <= filter.from_ms) {
    return impossible(
        fmt::format("{}s from {:.10} until {:.10}", who, format_date(filter.from_ms), format_date(filter.until_ms)),
        place);
  }
  if (filter.max_length < filter.min_length) {
    return impossible(fmt::format("{}.min_length is {} and max_length {}", who, filter.min_length, filter.max_length),
                      place);
  }
  return check_languages(filter.languages, who + ".languages", place);
}

Status check_tags(const std::vector<std::string>& tags, const std::vector<std::string>& not_tags,
                  const std::string& place) {
  for (const std::string& tag : tags) {
    if (std::find(not_tags.begin(), not_tags.end(), tag) != not_tags.end()) {
      return impossible("tag " + tag + " is both wanted and in not_tags", place);
    }
  }
  return {};
}

Status check_topic(const Topic& topic, const Recipe& recipe, const std::string& place) {
  const auto good = [](char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_'; };
  if (topic.name.empty() || !std::all_of(topic.name.begin(), topic.name.end(), good)) {
    return input_error("'" + topic.name + "' is not a valid topic name", place, "use lower-case letters, digits and _");
  }
  if (topic_of_split(topic.name) != topic.name) {
    return input_error("'" + topic.name + "' is not a valid topic name", place,
                       topic_of_split(topic.name) + " would be valid");
  }
  if (topic.sources.empty())
    return input_error("topic " + topic.name + " has no source", place, "give sites or sources");
  for (const Source& source : topic.sources) {
    if (!source.site.empty() && !is_known_site(source.site)) {
      return input_error("'" + source.site + "' is not a Stack Exchange site", place,
                         "for example beer.stackexchange.com");
    }
    if (Status status = check_tags(source.tags, topic.not_tags, place); !status) return status;
  }
  if (Status status = check_tags(topic.tags, topic.not_tags, place); !status) return status;
  const QuestionFilter& question = topic.question;
  if (Status status = check_post(question, "question", place); !status) return status;
  if (Status status = check_post(topic.answer, "answer", place); !status) return status;
  for (const auto& entry : topic.site_languages) {
    if (Status status = check_languages(entry.second, "site_languages", place); !status) return status;
  }
  const int64_t least = std::max(question.min_answers, recipe.choose == Choice::kAll ? 0 : recipe.answers);
  if (question.max_answers < least) {
    return impossible(fmt::format("question.max_answers is {}, but {} are needed", question.max_answers, least), place);
  }
  if (question.min_distinct > question.max_answers) {
    return impossible(
        fmt::format("question.min_distinct is {} and max_answers {}", question.min_distinct, question.max_answers),
        place);
  }
  if (recipe.choose != Choice::kAll && recipe.answers > 0 && question.min_distinct > recipe.answers) {
    return impossible(fmt::format("question.min_distinct is {} and answers {}", question.min_distinct, recipe.answers),
                      place);
  }
  if (recipe.label == Label::kAccepted && (question.min_distinct > 2 || question.min_spread > 1)) {
    return impossible("acceptance has two values, and question.min_distinct or min_spread asks for more", place);
  }
  if (topic.answer.until_ms <= question.from_ms) {
    return impossible("answers would have to be older than their questions", place);
  }
  return {};
}

}  // namespace

Status check_recipe(const Recipe& recipe, const std::string& place) {
  if (recipe.choose != Choice::kAll && recipe.answers == 1) {
    return input_error("one answer per question can't be ranked", place, "take at least 2 (answers = 4)");
  }
  if (recipe.choose == Choice::kLaterWins &&
      (recipe.answers == 0 || (recipe.label == Label::kAccepted && recipe.answers > 2))) {
    return input_error(recipe.answers == 0 ? "later-wins needs a number of answers"
                                           : "later-wins finds at most two answers where acceptance is the label",
                       place, "take 2 (answers = 2)");
  }
  if (recipe.topics.size() >= kNoTopic) return input_error("there are too many topics", place);
  std::set<std::string> names;
  for (const Topic& topic : recipe.topics) {
    if (Status status = check_topic(topic, recipe, place); !status) return status;
    if (!names.insert(topic.name).second) return input_error("topic " + topic.name + " appears twice", place);
  }
  return {};
}

}  // namespace hre::stackexchange
