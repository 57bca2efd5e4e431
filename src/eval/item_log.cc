#include "eval/item_log.h"

#include <fmt/format.h>

#include <filesystem>
#include <map>
#include <regex>

#include "core/files.h"
#include "core/text.h"
#include "data/arrow_reader.h"
#include "data/csv.h"
#include "eval/inspect_log.h"
#include "eval/item_values.h"

namespace hre {
namespace {

using Json = nlohmann::ordered_json;

/// Values that a log may have; a few bytes of a hostile file may stand for very many.
constexpr size_t kMostValues = 20'000'000;

Status check_size(const ItemValues& log, const std::string& where) {
  if (log.values.size() <= kMostValues) return {};
  return input_error(fmt::format("holds more than {} values", kMostValues), where);
}

std::string first_of(const Json& json, std::initializer_list<const char*> names) {
  for (const char* name : names) {
    if (json.contains(name) && !is_undefined(json.at(name))) return text_of(json.at(name));
  }
  return "";
}

/// "samples_arc_easy_2024-07-01T12-00-00.000000.jsonl" is of task arc_easy, and so is
/// "details_arc_easy_2024-07-01T12-00-00.000000.parquet"; "arc_easy_1a2b3c-predictions.jsonl" of arc_easy_1a2b3c.
std::string task_of(const std::string& path) {
  const std::string stem = std::filesystem::path(path).stem().string();
  static const std::regex kDated("(?:samples|details)_(.+)_\\d{4}-\\d{2}-\\d{2}T.*"), kPredictions("(.+)-predictions");
  std::smatch match;
  return std::regex_match(stem, match, kDated) || std::regex_match(stem, match, kPredictions) ? match[1].str() : stem;
}

/// The model that a path names: lm-evaluation-harness and olmo-eval make a folder for each, and lighteval another for
/// each date within.
std::string model_of(const std::string& path) {
  std::error_code gone;  // the folder that hre was started in
  std::filesystem::path file = std::filesystem::absolute(path, gone);
  if (gone) file = path;
  const std::string name = file.filename().string();
  if (name.starts_with("details_")) return file.parent_path().parent_path().filename().string();
  if (name.starts_with("samples_") || name.ends_with("-predictions.jsonl")) {
    return file.parent_path().filename().string();
  }
  return file.stem().string();
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
Result<std::optional<ItemValue>> harness_row(const Json& json, const std::string& task, Wanted& wanted,
                                             const std::string& where) {
  if (!json.contains("metrics") || !json.at("metrics").is_array() || json.at("metrics").empty()) {
    return input_error("the sample names no metric", where);
  }
  const std::string given = first_of(json, {"filter"});
  const std::string filter = given.empty() ? "none" : given;
  if (wanted.filter.empty()) wanted.filter = filter;
  if (filter != wanted.filter) return std::optional<ItemValue>();
  std::vector<std::string> names;
  for (const Json& name : json.at("metrics")) names.push_back(text_of(name));
  if (wanted.metric.empty()) wanted.metric = names.front();
  if (!json.contains(wanted.metric)) return no_such_value(wanted.metric, names, where);
  ItemValue row{task, first_of(json, {"doc_id"}), number_of(json.at(wanted.metric))};
  const std::string hash = first_of(json, {"doc_hash"});
  if (!hash.empty()) row.id += "-" + hash.substr(0, 12);
  return std::optional(row);
}

/// A line of olmo-eval: {"native_id": ..., "instance_metrics": {METRIC: {SCORER: value}}}.
Result<std::optional<ItemValue>> olmo_row(const Json& json, const std::string& task, Wanted& wanted,
                                          const std::string& where) {
  std::vector<std::string> names;
  ItemValue row{task, first_of(json, {"native_id", "doc_id"}), std::nullopt};
  bool found = false;
  for (const auto& [metric, scorers] : json.at("instance_metrics").items()) {
    if (!scorers.is_object()) continue;
    for (const auto& [scorer, value] : scorers.items()) {
      const std::string name = scorer == metric ? metric : metric + ":" + scorer;
      names.push_back(name);
      if (wanted.metric.empty()) wanted.metric = name;
      if (name != wanted.metric) continue;
      row.value = number_of(value);
      found = true;
    }
  }
  if (names.empty()) return input_error("the prediction has no metric", where);
  return found ? Result<std::optional<ItemValue>>(row) : no_such_value(wanted.metric, names, where);
}

Result<std::optional<ItemValue>> plain_row(const Json& json, const std::string& stem, Wanted& wanted,
                                           const std::string& where) {
  if (wanted.metric.empty()) wanted.metric = json.contains("value") ? "value" : "score";
  ItemValue row{first_of(json, {"group", "topic", "task"}), first_of(json, {"item", "id"}), std::nullopt};
  if (row.group.empty()) row.group = stem;
  if (row.id.empty()) return input_error("there is no item: write its id as \"item\" or \"id\"", where);
  if (!json.contains(wanted.metric)) {
    return input_error("there is no '" + wanted.metric + "'", where, "FILE#NAME names the value");
  }
  const Json& value = json.at(wanted.metric);
  row.value = number_of(value);
  if (!row.value && !is_undefined(value)) return input_error("'" + wanted.metric + "' is not a number", where);
  return std::optional(row);
}

Status read_lines(std::string_view text, const std::string& path, Wanted& wanted, ItemValues& log) {
  const std::string task = task_of(path);
  int64_t number = 0;
  while (!text.empty()) {
    const size_t end = std::min(text.find('\n'), text.size());
    const std::string_view line = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    const std::string where = fmt::format("{}: line {}", path, ++number);
    if (line.find_first_not_of(" \t\r") == std::string_view::npos) continue;
    const Json json = parse_python_json(std::string(line));
    if (!json.is_object()) return input_error("is not a JSON object", where);
    const bool is_olmo = json.contains("instance_metrics") && json.at("instance_metrics").is_object();
    auto row = is_olmo                   ? olmo_row(json, task, wanted, where)
               : json.contains("doc_id") ? harness_row(json, task, wanted, where)
                                         : plain_row(json, task, wanted, where);
    if (!row) return forward(row);
    if (*row && (*row)->id.empty()) return input_error("the item has no id", where);
    if (*row) log.values.push_back(std::move(**row));
    if (Status fits = check_size(log, path); !fits) return fits;
  }
  return {};
}

Status read_table(std::string_view text, const std::string& path, Wanted& wanted, ItemValues& log) {
  auto table = data::read_csv(text, path);
  if (!table) return forward(table);
  const std::string task = task_of(path);
  for (size_t i = 0; i < table->rows.size(); ++i) {
    Json json = Json::object();
    for (size_t c = 0; c < table->columns.size(); ++c) json[table->columns[c]] = table->rows[i][c];
    auto row = plain_row(json, task, wanted, fmt::format("{}: row {}", path, i + 1));
    if (!row) return forward(row);
    log.values.push_back(std::move(**row));
    if (Status fits = check_size(log, path); !fits) return fits;
  }
  return {};
}

/// Lines and tables.
Result<ItemValues> read_text_log(const std::string& path, const std::string& metric) {
  auto text = read_file(path);
  if (!text) return forward(text);
  if (const auto at = find_invalid_utf8(*text)) return input_error(fmt::format("byte {} is not UTF-8", *at + 1), path);
  ItemValues log;
  Wanted wanted = wanted_of(metric);
  Status read = path.ends_with(".csv") ? read_table(*text, path, wanted, log) : read_lines(*text, path, wanted, log);
  if (!read) return forward(read);
  const bool filtered = !wanted.filter.empty() && wanted.filter != "none";
  log.metric = filtered ? wanted.metric + "," + wanted.filter : wanted.metric;
  return log;
}

/// A row of details has columns doc.id, doc.query and metric.NAME.
Result<ItemValues> read_lighteval_log(const std::string& path, const std::string& metric) {
  constexpr std::string_view kMetric = "metric.";
  ItemValues log;
  log.metric = metric;
  const std::string task = task_of(path);
  Status read = data::visit_parquet(
      path,
      [&](const std::string& column) {
        return column == "doc.id" || column == "doc.query" || column.starts_with(kMetric);
      },
      [&](const std::vector<std::string>& columns, const std::vector<data::CellValue>& cells) -> Status {
        std::string id, query;
        std::optional<double> value;
        std::vector<std::string> names;
        bool found = false;
        for (size_t i = 0; i < columns.size(); ++i) {
          const auto* text = std::get_if<std::string>(&cells[i]);
          const auto* number = std::get_if<double>(&cells[i]);
          if (!columns[i].starts_with(kMetric)) {
            std::string& to = columns[i] == "doc.id" ? id : query;
            to.clear();
            if (text != nullptr) to = *text;
            if (number != nullptr) to = format_number(*number);
            continue;
          }
          names.push_back(columns[i].substr(kMetric.size()));
          if (log.metric.empty()) log.metric = names.back();
          if (names.back() != log.metric) continue;
          found = true;
          if (number != nullptr) value = number_of(*number);
        }
        const std::string where = fmt::format("{}, row {}", path, log.values.size() + 1);
        if (id.empty()) return input_error("there is no doc.id: is it a file of lighteval's details?", where);
        if (names.empty()) return input_error("there is no metric", where);
        if (!found) return no_such_value(log.metric, names, where);
        log.values.push_back({task, id_with_contents(id, query), value});
        return check_size(log, path);
      });
  return read ? Result<ItemValues>(std::move(log)) : forward(read);
}

/// Values of one item, as they come.
struct Measured {
  double sum = 0, mean = 0, squares = 0;  ///< the latter by Welford
  int64_t n = 0;

  void add(double value) {
    sum += value;
    ++n;
    const double before = value - mean;
    mean += before / static_cast<double>(n);
    squares += before * (value - mean);
  }
};

void add_questions(std::vector<ItemValue> values, const std::string& task, Run& run) {
  std::map<std::pair<std::string, std::string>, size_t> places;
  std::vector<Measured> items;
  for (ItemValue& one : values) {
    if (one.group.empty()) one.group = task;
    const auto [at, is_new] = places.try_emplace({one.group, one.id}, run.questions.size());
    if (is_new) {
      QuestionResult& question = run.questions.emplace_back();
      question.topic = one.group;
      question.id = one.id;
      items.emplace_back();
    }
    if (one.value) items[at->second].add(*one.value);
  }
  for (size_t i = 0; i < items.size(); ++i) {
    const Measured& item = items[i];
    if (item.n == 0) continue;
    run.questions[i].metrics.item = item.sum / static_cast<double>(item.n);
    run.questions[i].repeats = {item.n, item.n < 2 ? 0 : item.squares / static_cast<double>(item.n - 1)};
  }
}

}  // namespace

bool is_item_log(const std::string& path) {
  if (path.ends_with(".json")) return begins_as_inspect_log(path);
  return path.ends_with(".jsonl") || path.ends_with(".csv") || path.ends_with(".eval") || path.ends_with(".parquet");
}

Result<Run> read_item_log(const std::string& path, const std::string& metric) {
  auto log = path.ends_with(".parquet")                           ? read_lighteval_log(path, metric)
             : path.ends_with(".eval") || path.ends_with(".json") ? read_inspect_log(path, metric)
                                                                  : read_text_log(path, metric);
  if (!log) return forward(log);
  if (log->values.empty()) return input_error("holds no item", path);
  Run run;
  run.model.name = log->model.empty() ? model_of(path) : log->model;
  run.model.source = path;
  run.model.architecture = "log";
  run.dataset_name = log->task.empty() ? task_of(path) : log->task;
  run.created = log->created;
  run.item_metric = log->metric;
  add_questions(std::move(log->values), run.dataset_name, run);
  run.planned = run.dataset_questions = static_cast<int64_t>(run.questions.size());
  return run;
}

}  // namespace hre
