#pragma once
/// The metrics of a question, as one list: summaries, comparisons, tables and JSON go through it.

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "hre/result.h"
#include "hre/summary.h"
#include "stats/comparison.h"

namespace hre {

/// To add one: members in QuestionMetrics (hre/run.h) and MetricSummary (hre/summary.h), a row in metric.cc, and its
/// computation in question_metrics.cc. Summaries, comparisons, tables, JSON and the page go by the list.
struct Metric {
  const char* name;   ///< in JSON and on the command line: "pairwise_accuracy"
  const char* title;  ///< in tables: "Pairwise accuracy"
  std::optional<double> QuestionMetrics::*of_question;
  Estimate MetricSummary::*of_summary;
  /// The mean of scores that say nothing of the votes, where it is the same for every question; nothing where there is
  /// none.
  std::optional<double> chance;
  std::optional<Interval> range;  ///< no question's value lies outside; nothing where values have no bounds
  bool of_model;                  ///< it says something of the model; false for the length control
  /// Where chance depends on a question's votes.
  std::optional<double> QuestionMetrics::*chance_of_question = nullptr;
  bool lower_is_better = false;

  /// What scores that say nothing of the votes get on average for this question; nothing where its votes are not known.
  [[nodiscard]] std::optional<double> chance_for(const QuestionMetrics& question) const {
    return chance_of_question ? question.*chance_of_question : std::optional(chance);
  }
};

/// The mean chance of the questions whose votes are known and differ; nothing where it is not known for a question that
/// has a value. What a question counts as that has neither, under UndefinedPolicy::kZero.
std::optional<double> chance_level(std::span<const QuestionResult* const> questions, const Metric& metric);

/// What scores that say nothing of the votes get for a question: its own chance, else that of `others`, its topic's.
std::optional<double> chance_of(const QuestionResult& question, const Metric& metric, std::optional<double> others);

/// A question's value under the policy: with kZero, a question without a value counts as chance (chance_of). Nothing
/// where it is left out.
std::optional<double> value_under(UndefinedPolicy policy, const QuestionResult& question, const Metric& metric,
                                  std::optional<double> others);

/// The input error of a confidence sequence over a metric whose values have no bounds.
tl::unexpected<Error> unbounded_error(const Metric& metric);

/// How these values of the metric are compared, by run: which are better, and how far apart they can be. The values of
/// another harness's items are taken for shares where all lie between 0 and 1.
void set_metric(const Metric& metric, std::span<const std::vector<double>> values, ComparisonOptions& statistics);

/// All that need nothing but answers' texts and votes; the published one first.
std::span<const Metric> all_metrics();

/// Those that need the dates of answers: pairwise accuracy where the later answer has more votes, and where the earlier
/// one has. Not among all_metrics().
std::span<const Metric> dated_metrics();

/// all_metrics(), and dated_metrics() where they have values.
std::vector<const Metric*> metrics_of(const MetricSummary& summary);

/// The value of logs of other harnesses, which have no other; not among all_metrics().
const Metric& item_metric();

/// The metrics that a run has, the one that stands for it first: all_metrics(), or item_metric() alone.
std::span<const Metric> metrics_of(const Run& run);

/// Bits per byte: of all answers, of the best and of the worst, and the gap between these.
std::span<const Metric> bits_metrics();

/// One that says something of the model, by name; "pairwise" stands for "pairwise_accuracy". An input error names the
/// nearest.
Result<const Metric*> find_metric(std::string_view name);

}  // namespace hre
