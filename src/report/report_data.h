#pragma once
/// What a report is made from: runs side by side on one dataset, question by question.

#include <optional>
#include <string>
#include <vector>

#include "hre/dataset.h"
#include "hre/run.h"
#include "stats/comparison.h"

namespace hre {

/// One question in every run. Pointers are into the ReportData that holds it.
struct QuestionRow {
  std::string id, topic;
  const Question* text = nullptr;             ///< nothing without the dataset
  std::vector<const QuestionResult*> by_run;  ///< null where a run lacks it
};

struct ReportData {
  std::string title;
  std::vector<Run> runs;
  std::vector<Summary> summaries;    ///< by run
  std::vector<std::string> labels;   ///< by run; the models' names, made distinct
  std::optional<Dataset> dataset;    ///< the questions' texts, where they could be read
  std::vector<std::string> topics;   ///< by name; those of runs without their questions too
  std::vector<QuestionRow> rows;     ///< topic after topic, by id
  std::vector<std::string> caveats;  ///< what readers must know: missing texts, partial runs; one sentence each

  ReportData() = default;
  ReportData(ReportData&&) = default;
  ReportData& operator=(ReportData&&) = default;
};

/// Lays runs side by side. Fails for no runs, and for runs on different datasets. The dataset, if given, is the one
/// that the runs name by fingerprint: the caller has checked. `means`, by run, are those of runs without their
/// questions; they have a place wherever no question is needed.
Result<ReportData> report_data(std::vector<Run> runs, std::optional<Dataset> dataset,
                               std::vector<std::optional<Summary>> means = {});

/// All pairs of runs by Pearson's r, over the questions where every run has a value.
struct PairedValues {
  std::vector<std::vector<double>> by_run;  ///< [runs][questions]
  std::vector<size_t> sizes;                ///< questions a topic, in the order of ReportData::topics
};
PairedValues paired_values(const ReportData& data);

/// Whether a run's tokens can be shown: some have texts.
bool has_token_texts(const Run& run);

/// How a run whose tokens can't be shown comes to them; nothing where they can, or its model has none.
std::optional<std::string> token_advice(const Run& run);

/// Dataset and runs belong together: equal fingerprints. The error names both.
Status check_fingerprint(const Run& run, const Dataset& dataset);

}  // namespace hre
