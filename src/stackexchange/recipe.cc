#include "stackexchange/recipe.h"

#include <fmt/format.h>

#include <algorithm>
#include <fstream>
#include <iterator>
#include <sstream>

#include "core/text.h"
#include "core/toml.h"
#include "stackexchange/dump.h"
#include "stackexchange/post.h"
#include "stackexchange/recipe_names.h"

namespace hre::stackexchange {
namespace {

// Midnight UTC of a day, in milliseconds since 1970.
void read_date(TomlReader& reader, const char* key, int64_t& ms) {
  const toml::node* node = reader.take(key);
  if (node == nullptr) return;
  if (const auto* day = node->as_date()) {
    const toml::date& d = **day;
    if (const auto parsed = parse_date(fmt::format("{:04}-{:02}-{:02}", d.year, d.month, d.day))) {
      ms = *parsed;
      return;
    }
  }
  reader.wrong(*node, key, "is not a date (2023-04-30)");
}

void read_days(TomlReader& reader, const char* key, int64_t& ms) {
  int64_t n = 0;
  reader.integer(key, n, 1, 100'000);
  if (n > 0) ms = n * kMsADay;
}

// A list of marks, each of which must be allowed.
void read_drops(TomlReader& reader, const char* key, unsigned& value, unsigned allowed) {
  const toml::node* node = reader.take(key);
  std::vector<std::string> given;
  reader.texts(key, given);
  if (node == nullptr) return;
  value = 0;
  for (const std::string& name : given) {
    const auto found =
        std::find_if(std::begin(kDrops), std::end(kDrops), [&](const auto& d) { return d.name == name; });
    if (found == std::end(kDrops) || (found->value & allowed) == 0) {
      return reader.wrong(*node, key, "does not take '" + name + "', only: " + join(drop_names(allowed)));
    }
    value |= found->value;
  }
}

void read_common(TomlReader& reader, PostFilter& filter, unsigned drops) {
  reader.integer("min_score", filter.min_score, std::numeric_limits<int32_t>::min(),
                 std::numeric_limits<int32_t>::max());
  reader.integer("min_votes", filter.min_votes, 0);
  read_date(reader, "from", filter.from_ms);
  read_date(reader, "until", filter.until_ms);
  reader.integer("min_length", filter.min_length, 1);
  reader.integer("max_length", filter.max_length, 1);
  reader.number("max_code", filter.max_code, 0, 1);
  reader.number("max_links", filter.max_links, 0, 1);
  read_days(reader, "edited_within_days", filter.edited_within_ms);
  reader.number("max_votes_before_edit", filter.max_votes_before_edit, 0, 1);
  read_drops(reader, "drop", filter.drop, drops);
  reader.texts("languages", filter.languages);
}

struct Context {
  std::string place;
  std::optional<Error> problem;
};

void read_filters(TomlReader& parent, const std::string& title, Context& context, QuestionFilter& question,
                  AnswerFilter& answer) {
  constexpr unsigned kAnswerDrops = kDropLocked | kDropWiki | kDropDeletedAuthor | kDropImageOnly | kDropMachinePhrase;
  if (const toml::table* table = parent.table("question")) {
    TomlReader reader(*table, context.place, " in " + title + "question", context.problem);
    read_common(reader, question, kAnswerDrops | kDropClosed);
    reader.integer("min_views", question.min_views, 0);
    reader.integer("min_answers", question.min_answers, 1);
    reader.integer("max_answers", question.max_answers, 1);
    reader.integer("min_spread", question.min_spread, 0);
    reader.integer("min_distinct", question.min_distinct, 1);
    reader.integer("min_answer_votes", question.min_answer_votes, 0);
    reader.finish();
  }
  if (const toml::table* table = parent.table("answer")) {
    TomlReader reader(*table, context.place, " in " + title + "answer", context.problem);
    read_common(reader, answer, kAnswerDrops);
    read_days(reader, "within_days", answer.within_ms);
    reader.number("max_length_ratio", answer.max_length_ratio, 1, 1e6);
    reader.finish();
  }
}

// Removes "[tag][tag]" from the end of a source.
std::vector<std::string> take_tags(std::string& source) {
  std::vector<std::string> tags;
  while (source.ends_with(']')) {
    const size_t open = source.rfind('[');
    if (open == std::string::npos || open + 2 == source.size()) break;
    tags.insert(tags.begin(), source.substr(open + 1, source.size() - open - 2));
    source.resize(open);
  }
  return tags;
}

// A site of a recipe, with or without tags after it.
Source parse_site(std::string text) {
  std::vector<std::string> tags = take_tags(text);
  return {std::move(text), {}, std::move(tags)};
}

// "latin.stackexchange.com" = ["en", "la"], for sites that the topic has.
void read_site_languages(const toml::table& table, Topic& topic, Context& context) {
  TomlReader reader(table, context.place, " in topic.site_languages", context.problem);
  for (const Source& source : topic.sources) {
    std::vector<std::string> languages;
    reader.texts(source.site.c_str(), languages);
    if (table.contains(source.site)) topic.site_languages[source.site] = languages;
  }
  reader.finish();
}

Topic read_topic(const toml::table& table, const Recipe& recipe, Context& context) {
  Topic topic;
  topic.questions = recipe.questions;
  topic.question = recipe.question;
  topic.answer = recipe.answer;
  TomlReader reader(table, context.place, " in topic", context.problem);
  std::vector<std::string> sites, sources;
  reader.text("name", topic.name);
  reader.texts("sites", sites);
  reader.texts("sources", sources);
  reader.texts("tags", topic.tags);
  reader.texts("not_tags", topic.not_tags);
  reader.integer("questions", topic.questions, 0);
  read_filters(reader, "topic.", context, topic.question, topic.answer);
  const toml::table* languages = reader.table("site_languages");
  reader.finish();
  for (const std::vector<std::string>* list : {&sites, &sources}) {
    for (const std::string& text : *list) {
      Result<Source> source = list == &sites ? parse_site(text) : parse_source(text);
      if (!source) {
        reader.keep(std::move(source.error()));
        break;
      }
      topic.sources.push_back(std::move(*source));
    }
  }
  if (languages != nullptr) read_site_languages(*languages, topic, context);
  Recipe alone = recipe;
  alone.topics = {topic};
  if (Status good = check_recipe(alone, reader.place_of(table)); !good) reader.keep(std::move(good.error()));
  return topic;
}

Recipe read_recipe(const toml::table& table, Context& context) {
  Recipe recipe = default_recipe();
  TomlReader reader(table, context.place, "", context.problem);
  int64_t seed = static_cast<int64_t>(recipe.seed);
  reader.text("name", recipe.name);
  reader.text("description", recipe.description);
  reader.integer("seed", seed, 0);
  reader.integer("questions", recipe.questions, 0);
  reader.integer("answers", recipe.answers, 0);
  reader.one_of("choose", recipe.choose, kChoices);
  reader.one_of("label", recipe.label, kLabels);
  reader.one_of("code", recipe.code, kCodeStyles);
  reader.one_of("text", recipe.text, kTexts);
  reader.number("near_duplicates", recipe.near_duplicates, 0, 1);
  read_filters(reader, "", context, recipe.question, recipe.answer);
  recipe.seed = static_cast<uint64_t>(seed);
  if (const toml::array* topics = reader.tables("topic")) {
    for (const toml::node& node : *topics) recipe.topics.push_back(read_topic(*node.as_table(), recipe, context));
  }
  reader.finish();
  return recipe;
}

}  // namespace

Recipe default_recipe() {
  Recipe recipe;
  recipe.question.drop = kDropClosed | kDropLocked | kDropWiki | kDropImageOnly;
  recipe.answer.drop = kDropLocked | kDropWiki | kDropImageOnly;
  return recipe;
}

Result<Recipe> parse_recipe(std::string_view text, const std::string& place) {
  const Result<toml::table> table = parse_toml(text, place);
  if (!table) return tl::unexpected<Error>(table.error());
  Context context{place, std::nullopt};
  Recipe recipe = read_recipe(*table, context);
  if (context.problem) return tl::unexpected<Error>(*context.problem);
  if (Status status = check_recipe(recipe, place); !status) return forward(status);
  return recipe;
}

Topic topic_of_site(const Topic& topic, const std::string& site) {
  Topic of_site = topic;
  if (const auto found = topic.site_languages.find(site); found != topic.site_languages.end()) {
    of_site.question.languages = of_site.answer.languages = found->second;
  }
  return of_site;
}

Result<Recipe> load_recipe(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) return input_error("the recipe can't be read", path);
  const std::string text{std::istreambuf_iterator<char>(file), {}};
  return parse_recipe(text, path);
}

Result<Source> parse_source(const std::string& text) {
  std::string path = text;
  std::vector<std::string> tags = take_tags(path);
  const size_t at = path.find('@');
  const bool named = at != std::string::npos && is_known_site(path.substr(0, at));
  Source source{named ? path.substr(0, at) : "", named ? path.substr(at + 1) : path, std::move(tags)};
  if (source.path.empty()) return input_error("a source has no path", text, "give PATH or SITE@PATH");
  return source;
}

Result<Topic> parse_topic(const std::string& text, const Recipe& recipe) {
  const size_t equals = text.find('=');
  if (equals == std::string::npos || equals == 0) {
    return input_error("a topic has the form NAME=SOURCE[,SOURCE...]", "‹topic› " + text,
                       "for example beer=beer.stackexchange.com.7z");
  }
  const std::string name = text.substr(0, equals);
  const auto known =
      std::find_if(recipe.topics.begin(), recipe.topics.end(), [&](const Topic& t) { return t.name == name; });
  Topic topic = known != recipe.topics.end()
                    ? *known
                    : Topic{name, {}, {}, {}, recipe.questions, recipe.question, recipe.answer, {}};
  topic.sources.clear();
  std::istringstream sources(text.substr(equals + 1));
  for (std::string part; std::getline(sources, part, ',');) {
    Result<Source> source = parse_source(part);
    if (!source) return forward(source);
    topic.sources.push_back(std::move(*source));
  }
  return topic;
}

}  // namespace hre::stackexchange
