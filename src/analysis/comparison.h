#pragma once
/// The folder src/analysis: runs to the values that all fronts show, each computed once: summaries, comparisons, gates,
/// studies, power.
///
/// Not here: the statistics themselves (src/stats), and how values look (src/report).
/// Types:    `Metric` is a row of the list of metrics; `SharedQuestions` is what runs have in common; `Comparison`,
///           `GateReport`, `Study`, `RunPower` and `RunConfounds` are values of their own headers.
/// Owners:   values own their numbers; pointers to runs and metrics are valid as long as the runs.
/// Threads:  functions of their arguments, from any thread; bootstraps use several.
/// To add:   a metric: see `Metric` in metric.h. A value: a header, and a case in calibration_test.cc with its neutral
///           value.

/// Runs against each other on the questions that they share, computed once: what `hre compare` and `hre report` show.

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "analysis/clusters.h"
#include "analysis/gate_decision.h"
#include "analysis/metric.h"
#include "analysis/shared_questions.h"
#include "hre/summary.h"
#include "stats/comparison.h"
#include "stats/power.h"
#include "stats/repetition.h"
#include "stats/stopping.h"

namespace hre {

struct CompareOptions {
  const Metric* metric = &all_metrics().front();
  std::optional<UndefinedPolicy> undefined = {};  ///< nothing: as the runs were evaluated
  ComparisonOptions statistics;
  double level = 0.05;                 ///< of p-values under which runs are told apart
  size_t moved = 10;                   ///< questions to name that moved most
  std::optional<double> margin = {};   ///< hold the first run against each of the others
  bool until_decided = false;          ///< when would looking after every question have decided between two runs
  bool allow_different = false;        ///< compare runs that were not made alike
  const Clusters* clusters = nullptr;  ///< of questions, for errors that allow for what they have in common
};

/// Of a log in which items were measured several times each.
struct Repetition {
  int64_t repeated = 0;     ///< items measured twice or more
  double measurements = 0;  ///< of an item, on average
  RepetitionParts parts;    ///< of the standard error of the run's value
};

struct ComparedRun {
  std::string model;   ///< its name
  std::string source;  ///< the model as it was given
  std::string created;
  Summary summary;  ///< over the shared questions alone
  RankInterval rank;
  int64_t only_here = 0;  ///< questions that another run lacks
  int64_t undefined = 0;  ///< common questions without a value in this run
  std::optional<Repetition> repetition = {};
  std::string score = {};  ///< score_formula; empty for logs

  /// The mean that a comparison with these weights is of.
  [[nodiscard]] const MetricSummary& means(Weights weights) const {
    return weights == Weights::kTopics ? summary.macro : summary.micro;
  }
  [[nodiscard]] const LengthParts& length(Weights weights) const {
    return weights == Weights::kTopics ? summary.macro_length : summary.micro_length;
  }
};

/// A question by its value in two runs.
struct MovedQuestion {
  std::string topic, id;
  double a = 0, b = 0;
};

/// Two of the runs.
struct ComparedPair {
  size_t a = 0, b = 0;  ///< a < b, by position
  PairedComparison comparison;
  std::optional<ClusteredEstimate> clustered;  ///< of the difference, on request
  std::optional<RepetitionParts> repetition;   ///< of the difference's standard error, where both runs are such logs
  std::vector<PairedComparison> topics;        ///< as Comparison::topics, p-values adjusted by Holm over them
  std::vector<DetectionPoint>
      detection;  ///< of the better run, for the difference seen; empty where its effect has no interval
};

/// The runs by another metric, beside the one that they are compared by.
struct ComparedMetric {
  const Metric* metric = nullptr;
  int64_t shared = 0;                   ///< questions with a value in every run
  std::vector<Estimate> runs;           ///< as Comparison::runs
  std::vector<PairedComparison> pairs;  ///< as Comparison::pairs
};

struct Comparison {
  CompareOptions options;  ///< without pointers to what may be gone
  UndefinedPolicy undefined_policy = UndefinedPolicy::kLeaveOut;
  std::vector<RunDifference> differences;  ///< in configuration
  std::vector<std::string> notes;          ///< what readers must know, a sentence each
  std::vector<ComparedRun> runs;
  std::vector<std::string> topics;
  std::vector<size_t> sizes;  ///< shared questions of each topic
  int64_t shared = 0;
  int64_t undefined = 0;  ///< common questions left out, no run's value or not all runs'
  int64_t different = 0;  ///< common ids left out whose answers differ
  std::vector<ComparedPair>
      pairs;  ///< (0, 1), (0, 2), ...; p-values adjusted by Holm over pairs where there are several
  std::vector<std::vector<size_t>> groups;
  std::vector<ComparedMetric> bits;  ///< bits_metrics(), where all runs know the size of their texts
  std::vector<MovedQuestion> moved;  ///< of the first two runs
  std::optional<Decision> decision;  ///< of two runs, on request
  std::vector<GateDecision> gates;   ///< on request

  /// One of the two is better, at the level asked for.
  [[nodiscard]] bool told_apart(const PairedComparison& pair) const;
  /// The two are not interchangeable, but these questions don't settle which of them is better.
  [[nodiscard]] bool not_settled(const PairedComparison& pair) const;
  /// The pair of these two runs, a < b.
  [[nodiscard]] const ComparedPair& pair_of(size_t a, size_t b) const;
  /// The runs by position, the best first; ties in their order.
  [[nodiscard]] std::vector<size_t> by_rank() const;
};

/// Runs and what they share.
struct DescribedRuns {
  SharedQuestions shared;  ///< points into the runs
  std::vector<ComparedRun> runs;
  std::vector<RunDifference> differences;
  UndefinedPolicy undefined = UndefinedPolicy::kLeaveOut;
  std::vector<std::string> notes;
};

/// What these runs are compared by: `chosen`, or, of logs of other harnesses, the value that they have. Input errors
/// where only some are logs, or where they have different values.
Result<const Metric*> metric_for(std::span<const Run* const> runs, const Metric* chosen);

/// Input errors where they share no question, or no question with a value, and where they were not made alike, unless
/// that is allowed.
Result<DescribedRuns> describe_runs(std::span<const Run* const> runs, const CompareOptions& options);

/// Two runs or more. Input errors as above, and for a decision under other weights than the questions'.
Result<Comparison> compare_runs(std::span<const Run* const> runs, const CompareOptions& options);
Result<Comparison> compare_runs(std::span<const Run> runs, const CompareOptions& options);

/// "bos (never | always), prompt (...)"
std::string differences_line(const std::vector<RunDifference>& differences);

/// The input error of runs that are not to be put side by side.
Error differences_error(const std::vector<RunDifference>& differences);

/// A sentence for a result's notes.
std::string differences_note(const std::vector<RunDifference>& differences);

}  // namespace hre
