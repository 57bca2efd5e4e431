// The only file that knows toml++.
#include "stackexchange/recipe.h"

#define TOML_EXCEPTIONS 0
#define TOML_HEADER_ONLY 1
#include <fmt/format.h>
#include <toml++/toml.h>

#include <algorithm>
#include <cmath>
#include <fstream>
#include <iterator>
#include <set>
#include <sstream>

#include "core/text.h"
#include "stackexchange/dump.h"
#include "stackexchange/post.h"

namespace hre::stackexchange {
namespace {

constexpr int64_t kMsADay = 86'400'000;
constexpr int64_t kNoLimit = std::numeric_limits<int64_t>::max();

template <class T>
struct Named {
  const char* name;
  T value;
};
constexpr Named<Choice> kChoices[] = {{"spread", Choice::kSpread},
                                      {"top-and-random", Choice::kTopAndRandom},
                                      {"random", Choice::kRandom},
                                      {"all", Choice::kAll}};
constexpr Named<CodeStyle> kCodeStyles[] = {{"plain", CodeStyle::kPlain}, {"fenced", CodeStyle::kFenced}};
constexpr Named<QuestionText> kTexts[] = {
    {"title+body", QuestionText::kTitleAndBody}, {"body", QuestionText::kBody}, {"title", QuestionText::kTitle}};
constexpr Named<unsigned> kDrops[] = {{"closed", kDropClosed},
                                      {"locked", kDropLocked},
                                      {"wiki", kDropWiki},
                                      {"deleted_author", kDropDeletedAuthor},
                                      {"image_only", kDropImageOnly}};

template <class T, size_t n>
std::vector<std::string> names_of(const Named<T> (&table)[n]) {
  std::vector<std::string> names;
  for (const auto& entry : table) names.emplace_back(entry.name);
  return names;
}

// Reads the keys of one table. The first thing that is wrong stays in `problem`; keys that nobody
// asked for are wrong too.
class Reader {
 public:
  Reader(const toml::table& table, std::string place, std::string title, std::optional<Error>& problem)
      : table_(table), place_(std::move(place)), title_(std::move(title)), problem_(problem) {}

  void integer(const char* key, int64_t& value, int64_t low, int64_t high = kNoLimit) {
    const toml::node* node = take(key);
    if (node == nullptr) return;
    const auto given = node->value_exact<int64_t>();
    if (!given) return wrong(*node, key, "is not a whole number");
    if (*given < low || *given > high) return wrong(*node, key, range(low, high));
    value = *given;
  }

  void share(const char* key, double& value, double low, double high) {
    const toml::node* node = take(key);
    if (node == nullptr) return;
    const auto given = node->is_number() ? node->value<double>() : std::nullopt;
    if (!given || !(*given >= low && *given <= high)) {
      return wrong(*node, key, fmt::format("is not a number from {} to {}", format_number(low), format_number(high)));
    }
    value = *given;
  }

  void text(const char* key, std::string& value) {
    const toml::node* node = take(key);
    if (node == nullptr) return;
    if (!node->is_string()) return wrong(*node, key, "is not a string");
    value = *node->value_exact<std::string>();
  }

  template <class T, size_t n>
  void one_of(const char* key, T& value, const Named<T> (&table)[n]) {
    const toml::node* node = take(key);
    if (node == nullptr) return;
    const auto given = node->value_exact<std::string>();
    for (const auto& entry : table) {
      if (given && *given == entry.name) {
        value = entry.value;
        return;
      }
    }
    wrong(*node, key, "is none of: " + join(names_of(table)));
  }

  void texts(const char* key, std::vector<std::string>& values) {
    const toml::node* node = take(key);
    if (node == nullptr) return;
    if (!node->is_array()) return wrong(*node, key, "is not a list of strings");
    values.clear();
    for (const toml::node& element : *node->as_array()) {
      const auto given = element.value_exact<std::string>();
      if (!given || given->empty()) return wrong(element, key, "is not a list of strings");
      values.push_back(*given);
    }
  }

  void drops(const char* key, unsigned& value, unsigned allowed) {
    const toml::node* node = take(key);
    if (node == nullptr) return;
    std::vector<std::string> given;
    taken_.erase(key);
    texts(key, given);
    value = 0;
    for (const std::string& name : given) {
      const auto found =
          std::find_if(std::begin(kDrops), std::end(kDrops), [&](const auto& d) { return d.name == name; });
      if (found == std::end(kDrops) || (found->value & allowed) == 0) {
        return wrong(*node, key, "can't drop '" + name + "'; it can: " + join(drop_names(allowed)));
      }
      value |= found->value;
    }
  }

  void date(const char* key, int64_t& ms) {
    const toml::node* node = take(key);
    if (node == nullptr) return;
    if (const auto* day = node->as_date()) {
      const toml::date& d = **day;
      const auto parsed = parse_date(fmt::format("{:04}-{:02}-{:02}", d.year, d.month, d.day));
      if (parsed) {
        ms = *parsed;
        return;
      }
    }
    wrong(*node, key, "is not a date (2023-04-30)");
  }

  void days(const char* key, int64_t& ms) {
    int64_t n = 0;
    const bool given = table_.contains(key);
    integer(key, n, 1, 100'000);
    if (given) ms = n * kMsADay;
  }

  const toml::table* table(const char* key) {
    const toml::node* node = take(key);
    if (node != nullptr && !node->is_table()) wrong(*node, key, "is not a table");
    return node == nullptr ? nullptr : node->as_table();
  }

  const toml::array* tables(const char* key) {
    const toml::node* node = take(key);
    if (node != nullptr && !node->is_array_of_tables())
      wrong(*node, key, fmt::format("is not a list of tables ([[{}]])", key));
    return node == nullptr || !node->is_array_of_tables() ? nullptr : node->as_array();
  }

  // To be called last: what was not asked for is unknown.
  void finish() {
    for (const auto& [key, node] : table_) {
      const std::string name(key.str());
      if (taken_.contains(name)) continue;
      const auto nearest = nearest_name(name, {taken_.begin(), taken_.end()});
      fail_at(node, fmt::format("there is no key '{}'{}", name, title_),
              nearest ? "did you mean " + *nearest + "?" : "known are " + join({taken_.begin(), taken_.end()}));
    }
  }

 private:
  const toml::node* take(const char* key) {
    taken_.insert(key);
    return table_.get(key);
  }

  static std::string range(int64_t low, int64_t high) {
    return high == kNoLimit ? fmt::format("is less than {}", low) : fmt::format("is not from {} to {}", low, high);
  }

  static std::vector<std::string> drop_names(unsigned allowed) {
    std::vector<std::string> names;
    for (const auto& entry : kDrops) {
      if ((entry.value & allowed) != 0) names.emplace_back(entry.name);
    }
    return names;
  }

  void wrong(const toml::node& node, const char* key, const std::string& what) {
    fail_at(node, fmt::format("{}{} {}", key, title_, what), "");
  }

  void fail_at(const toml::node& node, std::string message, std::string next) {
    if (problem_) return;
    problem_ = Error{ErrorCode::kInput, std::move(message),
                     fmt::format("{}: line {}", place_, node.source().begin.line), std::move(next)};
  }

  const toml::table& table_;
  std::string place_, title_;
  std::optional<Error>& problem_;
  std::set<std::string> taken_;
};

void read_common(Reader& reader, PostFilter& filter, unsigned drops) {
  reader.integer("min_score", filter.min_score, std::numeric_limits<int32_t>::min(),
                 std::numeric_limits<int32_t>::max());
  reader.integer("min_votes", filter.min_votes, 0);
  reader.date("from", filter.from_ms);
  reader.date("until", filter.until_ms);
  reader.integer("min_length", filter.min_length, 1);
  reader.integer("max_length", filter.max_length, 1);
  reader.share("max_code", filter.max_code, 0, 1);
  reader.share("max_links", filter.max_links, 0, 1);
  reader.drops("drop", filter.drop, drops);
  reader.texts("languages", filter.languages);
}

struct Context {
  std::string place;
  std::optional<Error> problem;
};

void read_filters(Reader& parent, const std::string& title, Context& context, QuestionFilter& question,
                  AnswerFilter& answer) {
  constexpr unsigned kAnswerDrops = kDropLocked | kDropWiki | kDropDeletedAuthor | kDropImageOnly;
  if (const toml::table* table = parent.table("question")) {
    Reader reader(*table, context.place, " in " + title + "question", context.problem);
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
    Reader reader(*table, context.place, " in " + title + "answer", context.problem);
    read_common(reader, answer, kAnswerDrops);
    reader.days("within_days", answer.within_ms);
    reader.share("max_length_ratio", answer.max_length_ratio, 1, 1e6);
    reader.finish();
  }
}

Topic read_topic(const toml::table& table, const Recipe& recipe, Context& context) {
  Topic topic;
  topic.questions = recipe.questions;
  topic.question = recipe.question;
  topic.answer = recipe.answer;
  Reader reader(table, context.place, " in topic", context.problem);
  std::vector<std::string> sites, sources;
  reader.text("name", topic.name);
  reader.texts("sites", sites);
  reader.texts("sources", sources);
  reader.texts("tags", topic.tags);
  reader.texts("not_tags", topic.not_tags);
  reader.integer("questions", topic.questions, 0);
  read_filters(reader, "topic.", context, topic.question, topic.answer);
  reader.finish();
  for (std::string& site : sites) topic.sources.push_back({std::move(site), {}});
  for (const std::string& text : sources) {
    Result<Source> source = parse_source(text);
    if (source) topic.sources.push_back(*source);
    if (!source && !context.problem) context.problem = source.error();
  }
  const Status good = check_recipe(
      [&] {
        Recipe alone = recipe;
        alone.topics = {topic};
        return alone;
      }(),
      fmt::format("{}: line {}", context.place, table.source().begin.line));
  if (!good && !context.problem) context.problem = good.error();
  return topic;
}

Recipe read_recipe(const toml::table& table, Context& context) {
  Recipe recipe = default_recipe();
  Reader reader(table, context.place, "", context.problem);
  int64_t seed = static_cast<int64_t>(recipe.seed);
  reader.text("name", recipe.name);
  reader.text("description", recipe.description);
  reader.integer("seed", seed, 0);
  reader.integer("questions", recipe.questions, 0);
  reader.integer("answers", recipe.answers, 0);
  reader.one_of("choose", recipe.choose, kChoices);
  reader.one_of("code", recipe.code, kCodeStyles);
  reader.one_of("text", recipe.text, kTexts);
  reader.share("near_duplicates", recipe.near_duplicates, 0, 1);
  read_filters(reader, "", context, recipe.question, recipe.answer);
  recipe.seed = static_cast<uint64_t>(seed);
  if (const toml::array* topics = reader.tables("topic")) {
    for (const toml::node& node : *topics) recipe.topics.push_back(read_topic(*node.as_table(), recipe, context));
  }
  reader.finish();
  return recipe;
}

Status impossible(const std::string& what, const std::string& place) {
  return input_error("nothing can pass: " + what, place, "change one of the two");
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
  for (const std::string& code : filter.languages) {
    const bool good = (code.size() == 2 || code.size() == 3) &&
                      std::all_of(code.begin(), code.end(), [](char c) { return c >= 'a' && c <= 'z'; });
    if (!good) return input_error(fmt::format("{}.languages: '{}' is no code of a language (en)", who, code), place);
  }
  return {};
}

Status check_topic(const Topic& topic, const Recipe& recipe, const std::string& place) {
  const auto good = [](char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_'; };
  if (topic.name.empty() || !std::all_of(topic.name.begin(), topic.name.end(), good)) {
    return input_error("'" + topic.name + "' is no topic's name", place, "use lower-case letters, digits and _");
  }
  if (topic.sources.empty())
    return input_error("topic " + topic.name + " has no source", place, "give sites or sources");
  for (const Source& source : topic.sources) {
    if (!source.site.empty() && !is_known_site(source.site)) {
      return input_error("'" + source.site + "' is no site of Stack Exchange", place,
                         "an example: beer.stackexchange.com");
    }
  }
  for (const std::string& tag : topic.tags) {
    if (std::find(topic.not_tags.begin(), topic.not_tags.end(), tag) != topic.not_tags.end()) {
      return impossible("tag " + tag + " is both in tags and in not_tags", place);
    }
  }
  const QuestionFilter& question = topic.question;
  if (Status status = check_post(question, "question", place); !status) return status;
  if (Status status = check_post(topic.answer, "answer", place); !status) return status;
  const int64_t least = std::max(question.min_answers, recipe.choose == Choice::kAll ? 0 : recipe.answers);
  if (question.max_answers < least) {
    return impossible(fmt::format("question.max_answers is {} and {} are needed", question.max_answers, least), place);
  }
  if (question.min_distinct > question.max_answers) {
    return impossible(
        fmt::format("question.min_distinct is {} and max_answers {}", question.min_distinct, question.max_answers),
        place);
  }
  if (topic.answer.until_ms <= question.from_ms) {
    return impossible("answers are to be older than their questions", place);
  }
  return {};
}

std::string quoted(const std::string& text) {
  std::ostringstream out;
  out << toml::value<std::string>(text);
  return out.str();
}

std::string list(const std::vector<std::string>& values) {
  std::vector<std::string> parts;
  for (const std::string& value : values) parts.push_back(quoted(value));
  return fmt::format("[{}]", join(parts));
}

std::string date_line(const char* key, int64_t ms, int64_t nothing) {
  return ms == nothing ? fmt::format("# {}: any\n", key) : fmt::format("{} = {:.10}\n", key, format_date(ms));
}

std::string limit_line(const char* key, int64_t value) {
  return value == kNoLimit ? fmt::format("# {}: none\n", key) : fmt::format("{} = {}\n", key, value);
}

std::string format_common(const PostFilter& filter) {
  std::vector<std::string> drops;
  for (const auto& entry : kDrops) {
    if ((filter.drop & entry.value) != 0) drops.emplace_back(entry.name);
  }
  const bool any_score = filter.min_score == PostFilter().min_score;
  return (any_score ? "# min_score: any\n" : fmt::format("min_score = {}\n", filter.min_score)) +
         fmt::format("min_votes = {}\n", filter.min_votes) +
         date_line("from", filter.from_ms, std::numeric_limits<int64_t>::min()) +
         date_line("until", filter.until_ms, kNoLimit) + fmt::format("min_length = {}\n", filter.min_length) +
         limit_line("max_length", filter.max_length) +
         fmt::format("max_code = {}\nmax_links = {}\n", format_number(filter.max_code),
                     format_number(filter.max_links)) +
         fmt::format("drop = {}\nlanguages = {}\n", list(drops), list(filter.languages));
}

std::string format_filters(const QuestionFilter& question, const AnswerFilter& answer, const std::string& prefix) {
  std::string text = "\n[" + prefix + "question]\n" + format_common(question);
  text += fmt::format("min_views = {}\n", question.min_views);
  if (question.min_answers > 0) text += fmt::format("min_answers = {}\n", question.min_answers);
  text += limit_line("max_answers", question.max_answers);
  text += fmt::format("min_spread = {}\nmin_distinct = {}\nmin_answer_votes = {}\n", question.min_spread,
                      question.min_distinct, question.min_answer_votes);
  text += "\n[" + prefix + "answer]\n" + format_common(answer);
  text += limit_line("within_days", answer.within_ms == kNoLimit ? kNoLimit : answer.within_ms / kMsADay);
  if (answer.max_length_ratio > 0)
    text += fmt::format("max_length_ratio = {}\n", format_number(answer.max_length_ratio));
  return text;
}

std::string format_topic(const Topic& topic, const Recipe& recipe) {
  std::vector<std::string> sites;
  for (const Source& source : topic.sources) sites.push_back(source.site.empty() ? source.path : source.site);
  std::string text = fmt::format("\n[[topic]]\nname = {}\n{} = {}\ntags = {}\nnot_tags = {}\nquestions = {}\n",
                                 quoted(topic.name), topic.sources.front().site.empty() ? "sources" : "sites",
                                 list(sites), list(topic.tags), list(topic.not_tags), topic.questions);
  if (topic.question != recipe.question || topic.answer != recipe.answer) {
    text += format_filters(topic.question, topic.answer, "topic.");
  }
  return text;
}

// Where a string that begins at text[at] with a quote ends: behind its last quote.
size_t end_of_string(std::string_view text, size_t at) {
  const char quote = text[at];
  const std::string three(3, quote);
  const bool long_one = text.substr(at).starts_with(three);
  const std::string_view close = long_one ? std::string_view(three) : text.substr(at, 1);
  for (at += close.size(); at < text.size(); ++at) {
    if (text.substr(at).starts_with(close)) return at + close.size();
    if (!long_one && text[at] == '\n') return at;
    if (quote == '"' && text[at] == '\\') ++at;
  }
  return text.size();
}

// The line of the first character beyond ASCII outside of strings and comments; 0 where there is none. TOML has
// none there, and toml++ 3.3 takes most of them for something that can't happen.
int odd_line(std::string_view text) {
  int line = 1;
  size_t at = text.starts_with("\xEF\xBB\xBF") ? 3 : 0;
  while (at < text.size()) {
    size_t end = at + 1;
    if (static_cast<unsigned char>(text[at]) >= 0x80) return line;
    if (text[at] == '#') end = std::min(text.find('\n', at), text.size());
    if (text[at] == '"' || text[at] == '\'') end = std::min(end_of_string(text, at), text.size());
    line += static_cast<int>(std::count(text.begin() + static_cast<std::ptrdiff_t>(at),
                                        text.begin() + static_cast<std::ptrdiff_t>(end), '\n'));
    at = end;
  }
  return 0;
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
std::string name_of(CodeStyle code) { return name_in(kCodeStyles, code); }
std::string name_of(QuestionText text) { return name_in(kTexts, text); }

Recipe default_recipe() {
  Recipe recipe;
  recipe.question.drop = kDropClosed | kDropLocked | kDropWiki | kDropImageOnly;
  recipe.answer.drop = kDropLocked | kDropWiki | kDropImageOnly;
  return recipe;
}

Result<Recipe> parse_recipe(std::string_view text, const std::string& place) {
  if (const int line = odd_line(text); line > 0) {
    return input_error("there is a character beyond ASCII outside of strings and comments",
                       fmt::format("{}: line {}", place, line), "put it between quotes");
  }
  const toml::parse_result parsed = toml::parse(text, place);
  if (!parsed) {
    const toml::parse_error& problem = parsed.error();
    return input_error(
        std::string(problem.description()),
        fmt::format("{}: line {}, column {}", place, problem.source().begin.line, problem.source().begin.column));
  }
  Context context{place, std::nullopt};
  Recipe recipe = read_recipe(parsed.table(), context);
  if (context.problem) return tl::unexpected<Error>(*context.problem);
  if (Status status = check_recipe(recipe, place); !status) return forward(status);
  return recipe;
}

Result<Recipe> load_recipe(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) return input_error("the recipe can't be read", path);
  const std::string text{std::istreambuf_iterator<char>(file), {}};
  return parse_recipe(text, path);
}

Result<Source> parse_source(const std::string& text) {
  const size_t at = text.find('@');
  const bool named = at != std::string::npos && is_known_site(text.substr(0, at));
  Source source{named ? text.substr(0, at) : "", named ? text.substr(at + 1) : text};
  if (source.path.empty()) return input_error("a source has no path", text, "give PATH or SITE@PATH");
  return source;
}

namespace {

// Takes "[tag][tag]" off the end of a source.
std::vector<std::string> take_tags(std::string& source) {
  std::vector<std::string> tags;
  while (source.ends_with(']')) {
    const size_t open = source.rfind('[');
    if (open == std::string::npos) break;
    tags.insert(tags.begin(), source.substr(open + 1, source.size() - open - 2));
    source.resize(open);
  }
  return tags;
}

}  // namespace

Result<Topic> parse_topic(const std::string& text, const Recipe& recipe) {
  const size_t equals = text.find('=');
  if (equals == std::string::npos || equals == 0) {
    return input_error("a topic is NAME=SOURCE[,SOURCE...]", "--topic " + text,
                       "an example: beer=beer.stackexchange.com.7z");
  }
  const std::string name = text.substr(0, equals);
  const auto known =
      std::find_if(recipe.topics.begin(), recipe.topics.end(), [&](const Topic& t) { return t.name == name; });
  Topic topic =
      known != recipe.topics.end() ? *known : Topic{name, {}, {}, {}, recipe.questions, recipe.question, recipe.answer};
  topic.sources.clear();
  std::vector<std::string> tags;
  std::istringstream sources(text.substr(equals + 1));
  for (std::string part; std::getline(sources, part, ',');) {
    for (std::string& tag : take_tags(part)) tags.push_back(std::move(tag));
    Result<Source> source = parse_source(part);
    if (!source) return forward(source);
    topic.sources.push_back(*source);
  }
  if (!tags.empty()) topic.tags = std::move(tags);
  return topic;
}

Status check_recipe(const Recipe& recipe, const std::string& place) {
  if (recipe.choose != Choice::kAll && recipe.answers == 1) {
    return input_error("one answer a question can't be ranked", place, "take at least 2 (answers = 4)");
  }
  if (recipe.topics.size() >= kNoTopic) return input_error("there are too many topics", place);
  std::set<std::string> names;
  for (const Topic& topic : recipe.topics) {
    if (Status status = check_topic(topic, recipe, place); !status) return status;
    if (!names.insert(topic.name).second) return input_error("topic " + topic.name + " is there twice", place);
  }
  return {};
}

std::string format_recipe(const Recipe& recipe) {
  std::string text = fmt::format(
      "name = {}\ndescription = {}\nseed = {}\nquestions = {}\nanswers = {}\nchoose = {}\ncode = {}\ntext = {}\n"
      "near_duplicates = {}\n",
      quoted(recipe.name), quoted(recipe.description), recipe.seed, recipe.questions, recipe.answers,
      quoted(name_of(recipe.choose)), quoted(name_of(recipe.code)), quoted(name_of(recipe.text)),
      format_number(recipe.near_duplicates));
  text += format_filters(recipe.question, recipe.answer, "");
  for (const Topic& topic : recipe.topics) text += format_topic(topic, recipe);
  return text;
}

}  // namespace hre::stackexchange
