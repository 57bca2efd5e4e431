#pragma once
/// The metrics of a question, as one list: summaries, comparisons, tables and JSON go through it.

#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "hre/result.h"
#include "hre/run.h"
#include "stats/grouped.h"

namespace hre {

struct Metric {
  const char* name;   ///< in JSON and on the command line: "pairwise_accuracy"
  const char* title;  ///< in tables: "Pairwise accuracy"
  std::optional<double> QuestionMetrics::*of_question;
  Estimate MetricSummary::*of_summary;
  double no_association;  ///< the value of scores that say nothing of the votes
  Interval range;         ///< no question's value lies outside
  bool of_model;          ///< it says something of the model; false for parts of the length control
};

/// All of them; the published one first.
std::span<const Metric> all_metrics();

/// Those that tables show.
std::span<const Metric> shown_metrics();

/// One that says something of the model, by name; "pairwise" stands for "pairwise_accuracy". An input error names the
/// nearest.
Result<const Metric*> find_metric(std::string_view name);

}  // namespace hre
