#include "cli/study_file.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "core/text.h"
#include "stackexchange/toml_reader.h"

namespace hre::cli {
namespace {

// What is wrong with the file; thrown and caught here alone.
struct Bad {
  std::string message;
  toml::source_position position;
};

// The keys of one table; those that nobody asked for are wrong.
class Table {
 public:
  explicit Table(const toml::table& table) : table_(table) {}

  [[nodiscard]] const toml::node* take(const char* key) {
    known_.insert(key);
    return table_.get(key);
  }
  [[nodiscard]] std::optional<std::string> text(const char* key) {
    const toml::node* node = take(key);
    if (!node) return std::nullopt;
    const auto value = node->value_exact<std::string>();
    if (!value) throw Bad{std::string(key) + " is no string", node->source().begin};
    return value;
  }
  [[nodiscard]] std::string required(const char* key) {
    const auto value = text(key);
    if (!value || value->empty()) throw Bad{std::string("there is no ") + key, table_.source().begin};
    return *value;
  }
  /// Calls with each table of a list.
  template <class Visit>
  void each(const char* key, Visit visit) {
    const toml::node* node = take(key);
    if (!node) return;
    const toml::array* list = node->as_array();
    for (size_t i = 0; list && i < list->size(); ++i) {
      const toml::table* element = (*list)[i].as_table();
      if (!element) throw Bad{fmt::format("{} is no list of tables: write [[{}]]", key, key), node->source().begin};
      Table inner(*element);
      visit(inner);
      inner.check_all_known();
    }
    if (!list) throw Bad{fmt::format("{} is no list of tables: write [[{}]]", key, key), node->source().begin};
  }
  void check_all_known() const {
    for (const auto& [key, node] : table_) {
      const std::string name(key.str());
      if (known_.contains(name)) continue;
      const auto nearest = nearest_name(name, {known_.begin(), known_.end()});
      throw Bad{"there is no key '" + name + "' here; " +
                    (nearest ? "did you mean " + *nearest + "?" : "known are " + join({known_.begin(), known_.end()})),
                key.source().begin};
    }
  }
  [[nodiscard]] toml::source_position position() const { return table_.source().begin; }

 private:
  const toml::table& table_;
  std::set<std::string> known_;
};

Stage stage_of(Table& table) {
  const std::string text = table.required("stage");
  for (const Stage stage : {Stage::kPretrained, Stage::kTuned, Stage::kPreference}) {
    if (text == stage_name(stage)) return stage;
  }
  throw Bad{"stage is '" + text + "', not pretrained, tuned or preference", table.position()};
}

std::optional<double> size_of(Table& table) {
  const toml::node* node = table.take("size");
  if (!node) return std::nullopt;
  const auto text = node->value_exact<std::string>();
  const auto size = text ? parse_size(*text) : node->is_number() ? node->value<double>() : std::nullopt;
  if (!size || !(*size > 0))
    throw Bad{"size is no number of parameters, such as 410000000 or \"410M\"", node->source().begin};
  return size;
}

StudyFile::Member member_of(Table& table) {
  StudyFile::Member member;
  member.run = table.required("run");
  member.family = table.required("family");
  member.stage = stage_of(table);
  member.size = size_of(table);
  member.name = table.text("name").value_or("");
  return member;
}

std::vector<std::string> columns_of(Table& table) {
  const toml::node* node = table.take("columns");
  std::vector<std::string> columns;
  const toml::array* list = node ? node->as_array() : nullptr;
  for (size_t i = 0; list && i < list->size(); ++i) {
    const auto column = (*list)[i].value_exact<std::string>();
    if (!column) throw Bad{"columns is no list of strings", node->source().begin};
    columns.push_back(*column);
  }
  if (columns.empty()) throw Bad{"columns names no column", node ? node->source().begin : table.position()};
  return columns;
}

std::map<std::string, std::string> models_of(Table& table) {
  const toml::node* node = table.take("models");
  std::map<std::string, std::string> models;
  if (!node) return models;
  const toml::table* names = node->as_table();
  if (!names) throw Bad{"models is no table of names", node->source().begin};
  for (const auto& [key, value] : *names) {
    const auto name = value.value_exact<std::string>();
    if (!name) throw Bad{"models: " + std::string(key.str()) + " is no string", value.source().begin};
    models.emplace(key.str(), *name);
  }
  return models;
}

StudyFile read(const toml::table& root) {
  StudyFile file;
  Table table(root);
  file.name = table.text("name").value_or("");
  table.each("run", [&](Table& run) { file.members.push_back(member_of(run)); });
  table.each("judgements", [&](Table& judgements) {
    StudyFile::Judgements found;
    found.file = judgements.required("file");
    found.model_column = judgements.text("model_column").value_or("Model");
    found.columns = columns_of(judgements);
    found.models = models_of(judgements);
    file.judgements.push_back(std::move(found));
  });
  table.check_all_known();
  if (file.members.empty()) throw Bad{"there is no run: write [[run]]", table.position()};
  return file;
}

}  // namespace

std::optional<double> parse_size(std::string_view text) {
  const size_t end = text.find_last_not_of(' ');
  if (end == std::string_view::npos) return std::nullopt;
  text = text.substr(0, end + 1);
  double factor = 1;
  if (const char unit = text.back(); unit == 'K' || unit == 'k') factor = 1e3;
  if (const char unit = text.back(); unit == 'M' || unit == 'm') factor = 1e6;
  if (const char unit = text.back(); unit == 'B' || unit == 'b') factor = 1e9;
  if (factor > 1) text.remove_suffix(1);
  while (!text.empty() && text.back() == ' ') text.remove_suffix(1);
  const auto number = parse_finite_number(text);
  return number && *number > 0 ? std::optional(*number * factor) : std::nullopt;
}

Result<StudyFile> parse_study_file(std::string_view toml, const std::string& place) {
  if (const auto at = find_invalid_utf8(toml)) return input_error(fmt::format("byte {} is not UTF-8", *at + 1), place);
  auto parsed = stackexchange::parse_toml(toml, place);
  if (!parsed) return forward(parsed);
  try {
    return read(*parsed);
  } catch (const Bad& bad) {
    return input_error(bad.message,
                       bad.position.line > 0 ? fmt::format("{}, line {}", place, bad.position.line) : place);
  }
}

}  // namespace hre::cli
