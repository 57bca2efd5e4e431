#include "report/run_table.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <map>

#include "analysis/metric.h"
#include "analysis/scores.h"
#include "core/text.h"
#include "report/comparison_table.h"
#include "report/text_table.h"

namespace hre {
namespace {

/// "0.3108 ± 0.0263 [0.2590, 0.3626] (chance 0.2500)"
std::string cell(const Estimate& estimate) {
  if (!estimate.mean) return "–";
  std::string text = fixed(estimate.mean);
  if (estimate.stderr_) text += " ± " + fixed(estimate.stderr_);
  if (estimate.ci_low && estimate.ci_high)
    text += fmt::format(" [{:7.4f}, {:7.4f}]", *estimate.ci_low, *estimate.ci_high);
  return text + chance_text(estimate);
}

/// One line of a table; no cell where a run lacks the topic.
struct Row {
  std::string name;
  std::vector<int64_t> questions, undefined;  // by column; 0 of a run that lacks the topic
  std::vector<const Estimate*> cells;
};

struct ShownColumn {
  std::string title;
  size_t run;
  Estimate MetricSummary::*metric;
};

/// What a table shows: rows by columns of runs or metrics, with a rule before the last rows.
struct Layout {
  std::string corner;
  std::vector<std::string> titles;
  std::vector<Row> rows;
  size_t rows_under_rule = 0;
};

std::string cell(const Estimate* estimate) { return estimate ? cell(*estimate) : "–"; }

/// One number where all columns have the same, else one by column: "0/3".
std::string counts(const std::vector<int64_t>& values) {
  const bool same = std::ranges::all_of(values, [&](int64_t n) { return n == values.front(); });
  std::vector<std::string> texts;
  for (const int64_t n : values) texts.push_back(std::to_string(n));
  return same ? texts.front() : join(texts, "/");
}

/// Under the rule are the last rows.
void add_rule(TextTable& table, const Layout& layout, size_t row) {
  if (layout.rows_under_rule > 0 && row + layout.rows_under_rule == layout.rows.size()) table.add_rule();
}

/// A row a line.
std::string side_by_side(const Layout& layout) {
  std::vector<std::string> header = {layout.corner, "questions", "undefined"};
  header.insert(header.end(), layout.titles.begin(), layout.titles.end());
  TextTable table(std::move(header));
  for (size_t i = 0; i < layout.rows.size(); ++i) {
    const Row& row = layout.rows[i];
    add_rule(table, layout, i);
    std::vector<std::string> cells = {row.name, counts(row.questions), counts(row.undefined)};
    for (const Estimate* estimate : row.cells) cells.push_back(cell(estimate));
    table.add_row(std::move(cells));
  }
  return table.render();
}

/// Each row's cells under each other, so that they can be compared on a narrow screen too.
std::string stacked(const Layout& layout) {
  TextTable table({layout.corner, ""});
  for (size_t i = 0; i < layout.rows.size(); ++i) {
    const Row& row = layout.rows[i];
    add_rule(table, layout, i);
    const std::string questions = counts(row.questions);
    table.add_row({row.name, fmt::format("{} question{}, {} undefined", questions, questions == "1" ? "" : "s",
                                         counts(row.undefined))});
    for (size_t k = 0; k < row.cells.size(); ++k) table.add_row({"  " + layout.titles[k], cell(row.cells[k])});
  }
  return table.render();
}

bool fits(const std::string& table, int width) {
  const size_t rule = table.find('\n') + 1;
  return width == 0 || display_width(table.substr(rule, table.find('\n', rule) - rule)) <= width;
}

std::string fitting(const Layout& layout, int width) {
  std::string table = side_by_side(layout);
  return layout.titles.size() == 1 || fits(table, width) ? table : stacked(layout);
}

std::vector<Row> topic_rows(const std::vector<Summary>& summaries, const std::vector<ShownColumn>& columns) {
  std::map<std::string, Row> rows;
  for (size_t i = 0; i < columns.size(); ++i) {
    for (const TopicSummary& topic : summaries[columns[i].run].topics) {
      Row& row = rows.try_emplace(topic.topic, Row{topic.topic, {}, {}, {}}).first->second;
      row.cells.resize(columns.size());
      row.questions.resize(columns.size());
      row.undefined.resize(columns.size());
      row.cells[i] = &(topic.metrics.*columns[i].metric);
      row.questions[i] = topic.questions;
      row.undefined[i] = row.cells[i]->undefined;
    }
  }
  std::vector<Row> ordered;
  for (auto& [name, row] : rows) ordered.push_back(std::move(row));
  return ordered;
}

Row mean_row(const char* name, MetricSummary Summary::*mean, const std::vector<Summary>& summaries,
             const std::vector<ShownColumn>& columns) {
  Row row{name, {}, {}, {}};
  for (const ShownColumn& column : columns) {
    row.cells.push_back(&(summaries[column.run].*mean.*column.metric));
    row.questions.push_back(summaries[column.run].questions);
    row.undefined.push_back((summaries[column.run].micro.*column.metric).undefined);
  }
  return row;
}

Layout by_topic(const std::vector<Summary>& summaries, const std::string& corner,
                const std::vector<ShownColumn>& columns) {
  Layout layout{corner, {}, topic_rows(summaries, columns), 2};
  for (const ShownColumn& column : columns) layout.titles.push_back(column.title);
  layout.rows.push_back(mean_row("macro average", &Summary::macro, summaries, columns));
  layout.rows.push_back(mean_row("micro average", &Summary::micro, summaries, columns));
  return layout;
}

/// A metric a line: of one run both its means, of several their micro means.
Layout averages(const std::vector<Run>& runs, const std::vector<Summary>& summaries,
                const std::vector<const Metric*>& metrics) {
  const Summary& first = summaries.front();
  Layout layout{runs.size() == 1 ? "" : "micro average of", {}, {}};
  if (runs.size() == 1) layout.titles = {"macro average"};
  for (const Run& run : runs) layout.titles.push_back(runs.size() == 1 ? "micro average" : run.model.name);
  for (const Metric* metric : metrics) {
    Row row{metric->title, {}, {}, {}};
    if (runs.size() == 1) {
      row.cells.push_back(&(first.macro.*metric->of_summary));
      row.questions.push_back(first.questions);
      row.undefined.push_back((first.micro.*metric->of_summary).undefined);
    }
    for (const Summary& summary : summaries) {
      row.cells.push_back(&(summary.micro.*metric->of_summary));
      row.questions.push_back(summary.questions);
      row.undefined.push_back((summary.micro.*metric->of_summary).undefined);
    }
    layout.rows.push_back(std::move(row));
  }
  return layout;
}

/// The metrics of one run three by three; under each other where that is too wide.
std::vector<std::string> one_run(const std::vector<Summary>& summaries, const std::vector<const Metric*>& metrics,
                                 int width) {
  constexpr size_t kAcross = 3;
  std::vector<std::string> tables;
  for (size_t first = 0; first < metrics.size(); first += kAcross) {
    std::vector<ShownColumn> columns;
    for (size_t i = first; i < std::min(first + kAcross, metrics.size()); ++i)
      columns.push_back({metrics[i]->title, 0, metrics[i]->of_summary});
    std::string wide = side_by_side(by_topic(summaries, "topic", columns));
    if (fits(wide, width)) {
      tables.push_back(std::move(wide));
    } else {
      for (const ShownColumn& column : columns) tables.push_back(side_by_side(by_topic(summaries, "topic", {column})));
    }
  }
  return tables;
}

/// A table a metric, the runs side by side.
std::vector<std::string> several_runs(const std::vector<Run>& runs, const std::vector<Summary>& summaries,
                                      const std::vector<const Metric*>& metrics, int width) {
  std::vector<std::string> tables;
  for (const Metric* metric : metrics) {
    std::vector<ShownColumn> columns;
    for (size_t i = 0; i < runs.size(); ++i) columns.push_back({runs[i].model.name, i, metric->of_summary});
    tables.push_back(fitting(by_topic(summaries, metric->title, columns), width));
  }
  return tables;
}

}  // namespace

std::string format_seconds(double seconds) {
  if (seconds < 10) return fmt::format("{:.1f} s", seconds);
  const auto whole = std::llround(seconds);
  if (whole < 60) return fmt::format("{} s", whole);
  if (whole < 3600) return fmt::format("{} min {} s", whole / 60, whole % 60);
  return fmt::format("{} h {} min", whole / 3600, whole % 3600 / 60);
}

std::string run_table(const std::vector<Run>& runs, const std::vector<Summary>& summaries, int width,
                      const std::vector<const Metric*>& metrics_by_topic) {
  std::vector<std::string> tables = runs.size() == 1 ? one_run(summaries, metrics_by_topic, width)
                                                     : several_runs(runs, summaries, metrics_by_topic, width);
  std::vector<const Metric*> others;
  for (const Metric& metric : all_metrics()) {
    if (std::ranges::find(metrics_by_topic, &metric) == metrics_by_topic.end()) others.push_back(&metric);
  }
  if (!others.empty()) tables.push_back(fitting(averages(runs, summaries, others), width));
  return join(tables, "\n");
}

std::string scores_table(const std::vector<ScoreSummary>& scores) {
  if (scores.empty()) return "";
  TextTable table({"score", "Pearson", "through length", "+ beyond length", "Pairwise accuracy"});
  for (const ScoreSummary& score : scores) {
    table.add_row({name_of(kScoreKinds, score.score), with_interval(score.pearson), with_interval(score.length.through),
                   with_interval(score.length.beyond), with_interval(score.pairwise_accuracy)});
  }
  return table.render();
}

}  // namespace hre
