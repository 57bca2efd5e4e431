#include "report/run_table.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <set>

#include "core/text.h"
#include "report/text_table.h"
#include "stats/metric.h"

namespace hre {
namespace {

std::string number(const std::optional<double>& value) { return value ? fmt::format("{:.4f}", *value) : "–"; }

/// "0.1081 ± 0.0063 [0.0957, 0.1205]"
std::string cell(const Estimate& estimate) {
  if (!estimate.mean) return "–";
  std::string text = number(estimate.mean);
  if (estimate.stderr_) text += " ± " + number(estimate.stderr_);
  if (estimate.ci_low && estimate.ci_high)
    text += fmt::format(" [{:7.4f}, {:7.4f}]", *estimate.ci_low, *estimate.ci_high);
  return text;
}

/// One line of the table, in every run: a topic or a mean.
struct Row {
  std::string name;
  std::vector<const MetricSummary*> by_run;  // null where a run lacks the topic
  int64_t questions = 0, undefined = 0;      // of the first run that has it
};

std::vector<Row> topic_rows(const std::vector<Summary>& summaries) {
  std::map<std::string, Row> rows;
  for (size_t i = 0; i < summaries.size(); ++i) {
    for (const TopicSummary& topic : summaries[i].topics) {
      Row& row = rows[topic.topic];
      row.by_run.resize(summaries.size());
      row.by_run[i] = &topic.metrics;
      if (row.name.empty()) row = {topic.topic, row.by_run, topic.questions, topic.undefined};
    }
  }
  std::vector<Row> ordered;
  for (auto& [name, row] : rows) ordered.push_back(std::move(row));
  return ordered;
}

std::vector<Row> mean_rows(const std::vector<Summary>& summaries) {
  Row macro{"macro average", {}, 0, 0}, micro{"micro average", {}, 0, 0};
  for (const Summary& summary : summaries) {
    macro.by_run.push_back(&summary.macro);
    micro.by_run.push_back(&summary.micro);
  }
  micro.questions = macro.questions = summaries.front().questions;
  micro.undefined = macro.undefined = summaries.front().undefined;
  return {macro, micro};
}

struct Column {
  std::string title;
  size_t run;
  Estimate MetricSummary::*metric;
};

std::string block(const std::vector<Summary>& summaries, const std::string& corner,
                  const std::vector<Column>& columns) {
  std::vector<std::string> header = {corner, "questions", "undefined"};
  for (const Column& column : columns) header.push_back(column.title);
  TextTable table(std::move(header));
  const auto add = [&](const Row& row) {
    std::vector<std::string> cells = {row.name, std::to_string(row.questions), std::to_string(row.undefined)};
    for (const Column& column : columns) {
      const MetricSummary* summary = row.by_run[column.run];
      cells.push_back(summary ? cell(summary->*column.metric) : "–");
    }
    table.add_row(std::move(cells));
  };
  for (const Row& row : topic_rows(summaries)) add(row);
  table.add_rule();
  for (const Row& row : mean_rows(summaries)) add(row);
  return table.render();
}

bool fits(const std::string& table, int width) {
  const size_t rule = table.find('\n') + 1;
  return width == 0 || display_width(table.substr(rule, table.find('\n', rule) - rule)) <= width;
}

/// The metrics three by three, the length controls beside the value; under each other where that is too wide.
std::string one_run(const std::vector<Summary>& summaries, int width) {
  constexpr size_t kAcross = 3;
  std::string text;
  const auto add = [&](const std::string& table) { text += (text.empty() ? "" : "\n") + table; };
  std::vector<Column> columns;
  for (const Metric& metric : shown_metrics()) columns.push_back({metric.title, 0, metric.of_summary});
  for (size_t first = 0; first < columns.size(); first += kAcross) {
    const auto begin = columns.begin() + static_cast<ptrdiff_t>(first);
    const std::vector<Column> row(begin, begin + static_cast<ptrdiff_t>(std::min(kAcross, columns.size() - first)));
    const std::string wide = block(summaries, "topic", row);
    if (fits(wide, width)) {
      add(wide);
    } else {
      for (const Column& column : row) add(block(summaries, "topic", {column}));
    }
  }
  return text;
}

}  // namespace

std::string format_seconds(double seconds) {
  if (seconds < 10) return fmt::format("{:.1f} s", seconds);
  const auto whole = std::llround(seconds);
  if (whole < 60) return fmt::format("{} s", whole);
  if (whole < 3600) return fmt::format("{} min {} s", whole / 60, whole % 60);
  return fmt::format("{} h {} min", whole / 3600, whole % 3600 / 60);
}

std::string run_table(const std::vector<Run>& runs, const std::vector<Summary>& summaries, int width) {
  if (runs.size() == 1) return one_run(summaries, width);
  std::string text;
  for (const Metric& metric : shown_metrics()) {
    std::vector<Column> columns;
    for (size_t i = 0; i < runs.size(); ++i) columns.push_back({runs[i].model.name, i, metric.of_summary});
    text += (text.empty() ? "" : "\n") + block(summaries, metric.title, columns);
  }
  return text;
}

}  // namespace hre
