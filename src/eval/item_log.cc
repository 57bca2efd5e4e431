#include "eval/item_log.h"

#include <fmt/format.h>

#include <cmath>
#include <filesystem>
#include <map>
#include <nlohmann/json.hpp>
#include <regex>

#include "core/text.h"
#include "data/csv.h"

namespace hre {
namespace {

using Json = nlohmann::ordered_json;

/// One value as a line has it.
struct Row {
  std::string group, id;
  std::optional<double> value;
};

std::optional<double> number_of(const Json& json) {
  if (json.is_boolean()) return json.get<bool>() ? 1.0 : 0.0;
  if (json.is_number()) return json.get<double>();
  if (json.is_string()) return parse_finite_number(json.get<std::string>());
  return std::nullopt;
}

std::string text_of(const Json& json) { return json.is_string() ? json.get<std::string>() : json.dump(); }

std::string first_of(const Json& json, std::initializer_list<const char*> names) {
  for (const char* name : names) {
    if (json.contains(name) && !json.at(name).is_null()) return text_of(json.at(name));
  }
  return "";
}

/// "samples_arc_easy_2024-07-01T12-00-00.000000.jsonl" is of task arc_easy.
std::string task_of(const std::string& path) {
  const std::string stem = std::filesystem::path(path).stem().string();
  static const std::regex kSamples("samples_(.+)_\\d{4}-\\d{2}-\\d{2}T.*");
  std::smatch match;
  return std::regex_match(stem, match, kSamples) ? match[1].str() : stem;
}

/// What is asked for: a metric, and the filter of lm-evaluation-harness, if any.
struct Wanted {
  std::string metric, filter;
};

Wanted wanted_of(const std::string& metric) {
  const size_t comma = metric.find(',');
  return comma == std::string::npos ? Wanted{metric, ""} : Wanted{metric.substr(0, comma), metric.substr(comma + 1)};
}

/// A line of lm-evaluation-harness. Nothing for another filter's line.
Result<std::optional<Row>> harness_row(const Json& json, const std::string& task, Wanted& wanted,
                                       const std::string& where) {
  if (!json.contains("metrics") || !json.at("metrics").is_array() || json.at("metrics").empty()) {
    return input_error("the sample names no metric", where);
  }
  const std::string given = first_of(json, {"filter"});
  const std::string filter = given.empty() ? "none" : given;
  if (wanted.filter.empty()) wanted.filter = filter;
  if (filter != wanted.filter) return std::optional<Row>();
  std::vector<std::string> names;
  for (const Json& name : json.at("metrics")) names.push_back(text_of(name));
  if (wanted.metric.empty()) wanted.metric = names.front();
  if (!json.contains(wanted.metric)) {
    return input_error("there is no metric '" + wanted.metric + "'", where, "there are " + join(names));
  }
  Row row{task, first_of(json, {"doc_id"}), number_of(json.at(wanted.metric))};
  const std::string hash = first_of(json, {"doc_hash"});
  if (!hash.empty()) row.id += "-" + hash.substr(0, 12);
  return std::optional(row);
}

Result<std::optional<Row>> plain_row(const Json& json, const std::string& stem, Wanted& wanted,
                                     const std::string& where) {
  if (wanted.metric.empty()) wanted.metric = json.contains("value") ? "value" : "score";
  Row row{first_of(json, {"group", "topic", "task"}), first_of(json, {"item", "id"}), std::nullopt};
  if (row.group.empty()) row.group = stem;
  if (row.id.empty()) return input_error("there is no item: write its id as \"item\" or \"id\"", where);
  if (!json.contains(wanted.metric)) {
    return input_error("there is no '" + wanted.metric + "'", where, "FILE#NAME names the value");
  }
  const Json& value = json.at(wanted.metric);
  row.value = number_of(value);
  if (!row.value && !value.is_null()) return input_error("'" + wanted.metric + "' is not a number", where);
  return std::optional(row);
}

Result<std::vector<Row>> rows_of_lines(std::string_view text, const std::string& path, Wanted& wanted) {
  std::vector<Row> rows;
  const std::string task = task_of(path);
  int64_t number = 0;
  while (!text.empty()) {
    const size_t end = std::min(text.find('\n'), text.size());
    const std::string_view line = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    const std::string where = fmt::format("{}: line {}", path, ++number);
    if (line.find_first_not_of(" \t\r") == std::string_view::npos) continue;
    const Json json = Json::parse(line, nullptr, /*allow_exceptions=*/false);
    if (!json.is_object()) return input_error("is not a JSON object", where);
    auto row = json.contains("doc_id") ? harness_row(json, task, wanted, where) : plain_row(json, task, wanted, where);
    if (!row) return forward(row);
    if (*row) rows.push_back(std::move(**row));
  }
  return rows;
}

Result<std::vector<Row>> rows_of_csv(std::string_view text, const std::string& path, Wanted& wanted) {
  auto table = data::read_csv(text, path);
  if (!table) return forward(table);
  std::vector<Row> rows;
  for (size_t i = 0; i < table->rows.size(); ++i) {
    Json json = Json::object();
    for (size_t c = 0; c < table->columns.size(); ++c) {
      const std::string& cell = table->rows[i][c];
      json[table->columns[c]] = cell.empty() ? Json(nullptr) : Json(cell);
    }
    auto row = plain_row(json, task_of(path), wanted, fmt::format("{}: row {}", path, i + 1));
    if (!row) return forward(row);
    rows.push_back(std::move(**row));
  }
  return rows;
}

}  // namespace

bool is_item_log(const std::string& path) { return path.ends_with(".jsonl") || path.ends_with(".csv"); }

Result<Run> read_item_log(std::string_view text, const std::string& path, const std::string& metric) {
  if (const auto at = find_invalid_utf8(text)) return input_error(fmt::format("byte {} is not UTF-8", *at + 1), path);
  Wanted wanted = wanted_of(metric);
  auto rows = path.ends_with(".csv") ? rows_of_csv(text, path, wanted) : rows_of_lines(text, path, wanted);
  if (!rows) return forward(rows);
  if (rows->empty()) return input_error("holds no item", path);

  Run run;
  const std::filesystem::path file(path);
  const bool of_harness = file.filename().string().starts_with("samples_") && file.has_parent_path();
  run.model.name = of_harness ? file.parent_path().filename().string() : file.stem().string();
  run.model.source = path;
  run.model.architecture = "log";
  run.dataset_name = task_of(path);
  run.item_metric =
      wanted.filter.empty() || wanted.filter == "none" ? wanted.metric : wanted.metric + "," + wanted.filter;

  struct Item {
    double sum = 0;
    int64_t n = 0;
  };
  std::map<std::pair<std::string, std::string>, size_t> places;
  std::vector<Item> items;
  for (const Row& row : *rows) {
    const auto [at, is_new] = places.try_emplace({row.group, row.id}, run.questions.size());
    if (is_new) {
      QuestionResult& question = run.questions.emplace_back();
      question.topic = row.group;
      question.id = row.id;
      items.emplace_back();
    }
    if (!row.value) continue;
    items[at->second].sum += *row.value;
    ++items[at->second].n;
  }
  for (size_t i = 0; i < items.size(); ++i) {
    if (items[i].n > 0) run.questions[i].metrics.item = items[i].sum / static_cast<double>(items[i].n);
  }
  run.planned = run.dataset_questions = static_cast<int64_t>(run.questions.size());
  return run;
}

}  // namespace hre
