#include "report/run_table.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <set>

#include "core/text.h"
#include "report/text_table.h"

namespace hre {
namespace {

struct Metric {
  const char* title;
  Estimate MetricSummary::*of;
};

constexpr Metric kMetrics[] = {
    {"Pearson", &MetricSummary::pearson},
    {"Spearman", &MetricSummary::spearman},
    {"Kendall tau-b", &MetricSummary::kendall},
    {"Pairwise accuracy", &MetricSummary::pairwise_accuracy},
};

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

std::string one_run(const std::vector<Summary>& summaries, int width) {
  std::vector<Column> columns;
  for (const Metric& metric : kMetrics) columns.push_back({metric.title, 0, metric.of});
  std::string wide = block(summaries, "topic", columns);
  const size_t rule = wide.find('\n') + 1;
  if (width == 0 || display_width(wide.substr(rule, wide.find('\n', rule) - rule)) <= width) return wide;
  std::string narrow;
  for (const Column& column : columns) narrow += (narrow.empty() ? "" : "\n") + block(summaries, "topic", {column});
  return narrow;
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
  for (const Metric& metric : kMetrics) {
    std::vector<Column> columns;
    for (size_t i = 0; i < runs.size(); ++i) columns.push_back({runs[i].model.name, i, metric.of});
    text += (text.empty() ? "" : "\n") + block(summaries, metric.title, columns);
  }
  return text;
}

}  // namespace hre
