#pragma once
/// The folder src/report: shows values: text for terminals, JSON, tables, and a report of page and figures.
///
/// Not here: computing: a number that two places show is a value of src/analysis.
/// Types:    `ReportData` is what a report is made from; `TextTable` lays out text; `ReadRun` is a run read back from
///           JSON. page.h makes the page, whose script is in page/; figures/ draws figures.
/// Owners:   `ReportData` owns runs and texts; rows point into it.
/// Threads:  functions of their arguments; write_report.cc draws figures on several threads.
/// To add:   a column of a table: run_table.cc. A key of JSON: run_json.cc, its reader, docs/formats.md. A section of
///           the page: page/summary.js.

/// What a report is made from: runs side by side on one dataset, question by question.

#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "analysis/comparison.h"
#include "analysis/training.h"
#include "hre/question.h"
#include "hre/summary.h"

namespace hre {

/// One question in every run. Pointers are into the ReportData that holds it.
struct QuestionRow {
  std::string id, topic;
  const Question* text = nullptr;                ///< nothing without the dataset
  std::vector<const QuestionResult*> by_run;     ///< null where a run lacks it
  std::vector<const QuestionResult*> reference;  ///< of each run; null where it has none whose tokens can be shown
};

struct ReportData {
  std::string title;
  bool of_logs = false;             ///< of other harnesses: one value per item, and no answers
  std::span<const Metric> metrics;  ///< of the runs; the first is the one that they are compared by
  std::string value_name;           ///< of that metric, in sentences: "Pearson’s r", "acc"
  std::string benchmark;            ///< what the values are: "HumanRankEval", "HumanRankEval by sum_log_prob", "acc"
  std::vector<Run> runs;
  std::vector<Summary> summaries;                      ///< by run
  std::vector<std::shared_ptr<const Run>> references;  ///< by run, each alive as long as rows point to it; null: none
  std::vector<std::string> labels;                     ///< by run; the models' names, made distinct
  std::optional<Dataset> dataset;                      ///< the questions' texts, where they could be read
  std::vector<std::string> topics;                     ///< by name; those of runs without their questions too
  std::vector<QuestionRow> rows;                       ///< topic after topic, by id
  std::vector<std::string> caveats;  ///< what readers must know: missing texts, partial runs; one sentence each
  /// Of the runs with questions, where there are two or more with a question in common; it is the one that hre compare
  /// makes of them.
  std::optional<Comparison> comparison;
  std::vector<size_t> compared;                          ///< the comparison's runs, by position among `runs`
  std::vector<std::optional<ClusteredValue>> clustered;  ///< of each run's value, on request
  Trainings trainings;  ///< whose checkpoints are among the runs; points hold positions of runs

  [[nodiscard]] const Estimate& value(const MetricSummary& means) const { return means.*metrics.front().of_summary; }

  ReportData() = default;
  ReportData(ReportData&&) = default;
  ReportData& operator=(ReportData&&) = default;
};

/// Lays runs side by side and compares them. Fails for no runs, for runs on different datasets, for logs beside runs,
/// and for those that compare_runs refuses. The dataset, if given, is the one that the runs name by fingerprint: the
/// caller has checked. `means`, by run, are those of runs without their questions; they have a place wherever no
/// question is needed. `references`, by run, are the runs that scores are relative to, for their tokens.
Result<ReportData> report_data(std::vector<Run> runs, std::optional<Dataset> dataset,
                               std::vector<std::optional<Summary>> means = {}, const CompareOptions& options = {},
                               std::vector<std::shared_ptr<const Run>> references = {});

/// Whether a run's tokens can be shown: some have texts.
bool has_token_texts(const Run& run);

/// How a run whose tokens can't be shown comes to them; nothing where they can, or its model has none.
std::optional<std::string> token_advice(const Run& run);

}  // namespace hre
