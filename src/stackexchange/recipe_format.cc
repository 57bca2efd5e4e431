// Recipes as TOML.
#include <fmt/format.h>

#include "core/text.h"
#include "core/toml.h"
#include "stackexchange/dump.h"
#include "stackexchange/post.h"
#include "stackexchange/recipe_names.h"

namespace hre::stackexchange {
namespace {

std::string list(const std::vector<std::string>& values) {
  std::vector<std::string> parts;
  for (const std::string& value : values) parts.push_back(toml_string(value));
  return fmt::format("[{}]", join(parts));
}

std::string date_line(const char* key, int64_t ms, int64_t nothing) {
  return ms == nothing ? fmt::format("# {}: any\n", key) : fmt::format("{} = {:.10}\n", key, format_date(ms));
}

std::string limit_line(const char* key, int64_t value) {
  return value == kNoLimit ? fmt::format("# {}: none\n", key) : fmt::format("{} = {}\n", key, value);
}

std::string days_line(const char* key, int64_t ms) { return limit_line(key, ms == kNoLimit ? kNoLimit : ms / kMsADay); }

std::string format_common(const PostFilter& filter) {
  const bool any_score = filter.min_score == PostFilter().min_score;
  return (any_score ? "# min_score: any\n" : fmt::format("min_score = {}\n", filter.min_score)) +
         fmt::format("min_votes = {}\n", filter.min_votes) +
         date_line("from", filter.from_ms, std::numeric_limits<int64_t>::min()) +
         date_line("until", filter.until_ms, kNoLimit) + fmt::format("min_length = {}\n", filter.min_length) +
         limit_line("max_length", filter.max_length) +
         fmt::format("max_code = {}\nmax_links = {}\n", format_number(filter.max_code),
                     format_number(filter.max_links)) +
         days_line("edited_within_days", filter.edited_within_ms) +
         fmt::format("max_votes_before_edit = {}\n", format_number(filter.max_votes_before_edit)) +
         fmt::format("drop = {}\nlanguages = {}\n", list(drop_names(filter.drop)), list(filter.languages));
}

std::string format_filters(const QuestionFilter& question, const AnswerFilter& answer, const std::string& prefix) {
  std::string text = "\n[" + prefix + "question]\n" + format_common(question);
  text += fmt::format("min_views = {}\n", question.min_views);
  if (question.min_answers > 0) text += fmt::format("min_answers = {}\n", question.min_answers);
  text += limit_line("max_answers", question.max_answers);
  text += fmt::format("min_spread = {}\nmin_distinct = {}\nmin_answer_votes = {}\n", question.min_spread,
                      question.min_distinct, question.min_answer_votes);
  text += "\n[" + prefix + "answer]\n" + format_common(answer);
  text += days_line("within_days", answer.within_ms);
  if (answer.max_length_ratio > 0)
    text += fmt::format("max_length_ratio = {}\n", format_number(answer.max_length_ratio));
  return text;
}

std::string format_source(const Source& source) {
  const bool jsonl = source.path.starts_with(kJsonl);  // by its file's name: a site's dump has no other
  std::string text = jsonl ? std::string(kJsonl) + source.path.substr(source.path.find_last_of("/:") + 1)
                     : source.site.empty() ? source.path
                                           : source.site;
  for (const std::string& tag : source.tags) text += "[" + tag + "]";
  return text;
}

std::string format_topic(const Topic& topic, const Recipe& recipe) {
  std::vector<std::string> sites, sources;
  for (const Source& source : topic.sources) {
    (source.site.empty() || source.path.starts_with(kJsonl) ? sources : sites).push_back(format_source(source));
  }
  std::string text = fmt::format("\n[[topic]]\nname = {}\n", toml_string(topic.name));
  if (!sites.empty()) text += fmt::format("sites = {}\n", list(sites));
  if (!sources.empty()) text += fmt::format("sources = {}\n", list(sources));
  text += fmt::format("tags = {}\nnot_tags = {}\nquestions = {}\n", list(topic.tags), list(topic.not_tags),
                      topic.questions);
  if (topic.question != recipe.question || topic.answer != recipe.answer) {
    text += format_filters(topic.question, topic.answer, "topic.");
  }
  if (!topic.site_languages.empty()) text += "\n[topic.site_languages]\n";
  for (const auto& [site, languages] : topic.site_languages) {
    text += fmt::format("{} = {}\n", toml_string(site), list(languages));
  }
  return text;
}

template <class T, size_t n>
std::string name_in(const Named<T> (&table)[n], T value) {
  for (const auto& entry : table) {
    if (entry.value == value) return entry.name;
  }
  return {};
}

}  // namespace

std::string name_of(Choice choice) { return name_in(kChoices, choice); }
std::string name_of(Label label) { return name_in(kLabels, label); }
std::string name_of(CodeStyle code) { return name_in(kCodeStyles, code); }
std::string name_of(QuestionText text) { return name_in(kTexts, text); }

std::vector<std::string> drop_names(unsigned drops) {
  std::vector<std::string> names;
  for (const auto& entry : kDrops) {
    if ((drops & entry.value) != 0) names.emplace_back(entry.name);
  }
  return names;
}

std::string format_recipe(const Recipe& recipe) {
  std::string text = fmt::format(
      "name = {}\ndescription = {}\nseed = {}\nquestions = {}\nanswers = {}\nchoose = {}\nlabel = {}\ncode = {}\ntext "
      "= {}\n"
      "near_duplicates = {}\n",
      toml_string(recipe.name), toml_string(recipe.description), recipe.seed, recipe.questions, recipe.answers,
      toml_string(name_of(recipe.choose)), toml_string(name_of(recipe.label)), toml_string(name_of(recipe.code)),
      toml_string(name_of(recipe.text)), format_number(recipe.near_duplicates));
  text += format_filters(recipe.question, recipe.answer, "");
  for (const Topic& topic : recipe.topics) text += format_topic(topic, recipe);
  return text;
}

}  // namespace hre::stackexchange
