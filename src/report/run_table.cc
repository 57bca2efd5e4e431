#include "report/run_table.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <map>

#include "analysis/scores.h"
#include "core/text.h"
#include "report/number_text.h"
#include "report/text_table.h"
#include "stats/estimate.h"

namespace hre {
namespace {

constexpr const char* kValue = "HumanRankEval";
constexpr const char* kPairs = "pairs in people's order";

std::string chance_row_pairs(const MetricSummary& micro) {
  return fmt::format("{:.0f} %", 100 * micro.pairwise_accuracy.chance.value_or(0.5));
}

/// Topics of few questions have no interval.
std::string missing_intervals_sentence(const Summary& summary) {
  const bool any = std::ranges::any_of(summary.topics, [](const TopicSummary& topic) {
    return topic.metrics.pearson.mean && !topic.metrics.pearson.ci_low;
  });
  if (!any) return "";
  return fmt::format("Values after ± are half of 95 % intervals; below {} questions there is none.\n",
                     kFewestForInterval);
}

std::string table_of_one(const Summary& summary, int width) {
  TextTable table({"topic", "questions", kValue, kPairs});
  for (const TopicSummary& topic : summary.topics) {
    table.add_row({topic.topic, std::to_string(topic.questions), with_error(topic.metrics.pearson),
                   percent_with_error(topic.metrics.pairwise_accuracy)});
  }
  table.add_rule();
  const std::string questions = std::to_string(summary.questions);
  if (summary.topics.size() > 1) {
    table.add_row({"macro average", questions, with_error(summary.macro.pearson),
                   percent_with_error(summary.macro.pairwise_accuracy)});
  }
  table.add_row({"micro average", questions, with_error(summary.micro.pearson),
                 percent_with_error(summary.micro.pairwise_accuracy)});
  // The votes of the best answer can be most of a correlation: the same without their weight.
  table.add_row({"of log votes", questions, with_error(summary.micro.pearson_log), ""});
  table.add_row({"of ranked votes", questions, with_error(summary.micro.pearson_ranks), ""});
  table.add_row({"length alone", questions, with_error(summary.micro.length_only), ""});
  table.add_row({"chance", "", "0", chance_row_pairs(summary.micro)});
  return table.render(width) + missing_intervals_sentence(summary);
}

std::string time_of(const Run& run) {
  const auto questions = static_cast<int64_t>(run.questions.size());
  if (run.times.reused > 0 && run.times.reused == questions) return "stored";
  return format_seconds(run.times.plan_seconds + run.times.score_seconds);
}

std::string table_of_several(const std::vector<Run>& runs, const std::vector<Summary>& summaries, int width) {
  TextTable table({"model", kValue, kPairs, "length alone", "questions", "time"});
  table.can_spare({"time", "questions"});
  for (size_t i = 0; i < runs.size(); ++i) {
    const MetricSummary& micro = summaries[i].micro;
    const std::string questions = runs[i].partial() ? fmt::format("{} of {}", runs[i].questions.size(), runs[i].planned)
                                                    : std::to_string(summaries[i].questions);
    table.add_row({runs[i].model.name, with_error(micro.pearson), percent_with_error(micro.pairwise_accuracy),
                   with_error(micro.length_only), questions, time_of(runs[i])});
  }
  table.add_rule();
  table.add_row({"chance", "0", chance_row_pairs(summaries.front().micro), "0", "", ""});
  return table.render(width);
}

struct TableColumn {
  std::string title;
  size_t run;
  Estimate MetricSummary::*metric;
};

/// A row of a table of metrics; no cell where a run lacks the topic.
struct Row {
  std::string name;
  std::vector<int64_t> questions, undefined;  // by column; 0 of a run that lacks the topic
  std::vector<const Estimate*> cells;

  void add(const Estimate& estimate, int64_t n, int64_t without_value) {
    cells.push_back(&estimate);
    questions.push_back(n);
    undefined.push_back(without_value);
  }
};

/// One number where all columns have the same, else one by column: "0/3".
std::string counts(const std::vector<int64_t>& values) {
  const bool same = std::ranges::all_of(values, [&](int64_t n) { return n == values.front(); });
  std::vector<std::string> texts;
  for (const int64_t n : values) texts.push_back(std::to_string(n));
  return same ? texts.front() : join(texts, "/");
}

/// Rows under the rule are the last ones.
std::string table_of(const std::string& corner, const std::vector<std::string>& titles, const std::vector<Row>& rows,
                     size_t rows_under_rule, int width) {
  std::vector<std::string> header = {corner, "questions", "no value"};
  header.insert(header.end(), titles.begin(), titles.end());
  TextTable table(std::move(header));
  table.can_spare({"no value", "questions"});
  for (size_t i = 0; i < rows.size(); ++i) {
    if (rows_under_rule > 0 && i + rows_under_rule == rows.size()) table.add_rule();
    std::vector<std::string> cells = {rows[i].name, counts(rows[i].questions), counts(rows[i].undefined)};
    for (const Estimate* estimate : rows[i].cells) {
      cells.push_back(estimate == nullptr ? "–" : with_error(*estimate) + chance_text(*estimate));
    }
    table.add_row(std::move(cells));
  }
  return table.render(width);
}

Row mean_row(const char* name, MetricSummary Summary::*mean, const std::vector<Summary>& summaries,
             const std::vector<TableColumn>& columns) {
  Row row{name, {}, {}, {}};
  for (const TableColumn& column : columns) {
    const Summary& summary = summaries[column.run];
    row.add(summary.*mean.*column.metric, summary.questions, (summary.micro.*column.metric).undefined);
  }
  return row;
}

std::string by_topic(const std::vector<Summary>& summaries, const std::string& corner,
                     const std::vector<TableColumn>& columns, int width) {
  std::map<std::string, Row> topics;
  for (size_t i = 0; i < columns.size(); ++i) {
    for (const TopicSummary& topic : summaries[columns[i].run].topics) {
      Row& row = topics.try_emplace(topic.topic, Row{topic.topic, {}, {}, {}}).first->second;
      row.cells.resize(columns.size());
      row.questions.resize(columns.size());
      row.undefined.resize(columns.size());
      row.cells[i] = &(topic.metrics.*columns[i].metric);
      row.questions[i] = topic.questions;
      row.undefined[i] = row.cells[i]->undefined;
    }
  }
  std::vector<Row> rows;
  for (auto& [name, row] : topics) rows.push_back(std::move(row));
  rows.push_back(mean_row("macro average", &Summary::macro, summaries, columns));
  rows.push_back(mean_row("micro average", &Summary::micro, summaries, columns));
  std::vector<std::string> titles;
  for (const TableColumn& column : columns) titles.push_back(column.title);
  return table_of(corner, titles, rows, 2, width);
}

/// A line per metric: of one run both its means, of several their micro means.
std::string averages(const std::vector<Run>& runs, const std::vector<Summary>& summaries,
                     const std::vector<const Metric*>& metrics, int width) {
  std::vector<std::string> titles;
  if (runs.size() == 1) titles = {"macro average"};
  for (const Run& run : runs) titles.push_back(runs.size() == 1 ? "micro average" : run.model.name);
  std::vector<Row> rows;
  for (const Metric* metric : metrics) {
    Row& row = rows.emplace_back(Row{metric->title, {}, {}, {}});
    for (const Summary& summary : summaries) {
      const Estimate& micro = summary.micro.*metric->of_summary;
      if (runs.size() == 1) row.add(summary.macro.*metric->of_summary, summary.questions, micro.undefined);
      row.add(micro, summary.questions, micro.undefined);
    }
  }
  return table_of(runs.size() == 1 ? "" : "micro average of", titles, rows, 0, width);
}

}  // namespace

std::string summary_table(const std::vector<Run>& runs, const std::vector<Summary>& summaries, int width) {
  return runs.size() == 1 ? table_of_one(summaries.front(), width) : table_of_several(runs, summaries, width);
}

std::string metrics_tables(const std::vector<Run>& runs, const std::vector<Summary>& summaries, int width,
                           const std::vector<const Metric*>& metrics_by_topic) {
  constexpr size_t kAcross = 3;
  std::vector<std::string> tables;
  for (size_t first = 0; runs.size() == 1 && first < metrics_by_topic.size(); first += kAcross) {
    std::vector<TableColumn> columns;
    for (size_t i = first; i < std::min(first + kAcross, metrics_by_topic.size()); ++i)
      columns.push_back({metrics_by_topic[i]->title, 0, metrics_by_topic[i]->of_summary});
    tables.push_back(by_topic(summaries, "topic", columns, width));
  }
  for (const Metric* metric : metrics_by_topic) {
    if (runs.size() == 1) break;
    std::vector<TableColumn> columns;
    for (size_t i = 0; i < runs.size(); ++i) columns.push_back({runs[i].model.name, i, metric->of_summary});
    tables.push_back(by_topic(summaries, metric->title, columns, width));
  }
  std::vector<const Metric*> others;
  for (const Metric* metric : metrics_of(summaries.front().micro)) {
    if (std::ranges::find(metrics_by_topic, metric) == metrics_by_topic.end()) others.push_back(metric);
  }
  if (!others.empty()) tables.push_back(averages(runs, summaries, others, width));
  return join(tables, "\n");
}

std::string length_sentence(const LengthParts& parts) {
  if (!parts.value.mean || !parts.through.mean || !parts.beyond.mean) return "";
  const Estimate& value = parts.value;
  const double error = value.ci_low && value.ci_high ? (*value.ci_high - *value.ci_low) / 2 : value.stderr_.value_or(0);
  const int decimals = decimals_for(error);
  return fmt::format("{} = {} through the answers' length {} {} beyond it\n", rounded(*value.mean, decimals),
                     rounded(*parts.through.mean, decimals), *parts.beyond.mean < 0 ? "−" : "+",
                     rounded(std::abs(*parts.beyond.mean), decimals));
}

std::string undefined_sentence(const Run& run, const Summary& summary) {
  if (summary.undefined == 0) return "";
  return fmt::format("Questions without a value (equal votes, equal scores, or not scored): {} of {}; they {}.\n",
                     summary.undefined, summary.questions,
                     run.options.undefined == UndefinedPolicy::kZero ? "count as chance" : "are left out");
}

std::string scores_table(const std::vector<ScoreSummary>& scores, int width) {
  if (scores.empty()) return "";
  TextTable table({"score", "Pearson", "through length", "+ beyond length", kPairs});
  for (const ScoreSummary& score : scores) {
    table.add_row({name_of(kScoreKinds, score.score), with_interval(score.pearson), with_interval(score.length.through),
                   with_interval(score.length.beyond), percent_with_error(score.pairwise_accuracy)});
  }
  table.add_rule();
  table.add_row({"chance", "0", "", "", "50 %"});
  return table.render(width);
}

}  // namespace hre
