#pragma once
/// Runs compared: what `hre compare` shows.

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "hre/run.h"
#include "stats/comparison.h"
#include "stats/metric.h"
#include "stats/shared_questions.h"
#include "stats/stopping.h"

namespace hre {

struct CompareOptions {
  const Metric* metric = &all_metrics().front();
  UndefinedPolicy undefined = UndefinedPolicy::kLeaveOut;
  ComparisonOptions statistics;
  double level = 0.05;  ///< of p-values under which runs are told apart
  size_t moved = 10;    ///< questions to name that moved most
};

struct ComparedRun {
  std::string model;   ///< its name
  std::string source;  ///< the model as it was given
  std::string created;
  Summary summary;  ///< over the shared questions alone
  RankInterval rank;
  int64_t only_here = 0;  ///< questions that another run lacks
  int64_t undefined = 0;  ///< common questions without a value in this run
};

/// A question by its value in two runs.
struct MovedQuestion {
  std::string topic, id;
  double a = 0, b = 0;
};

struct RunComparison {
  CompareOptions options;
  std::vector<RunDifference> differences;  ///< in configuration
  std::vector<ComparedRun> runs;
  std::vector<std::string> topics;
  std::vector<size_t> sizes;  ///< shared questions of each topic
  int64_t shared = 0;
  int64_t undefined = 0;                   ///< common questions left out, no run's value or not all runs'
  int64_t different = 0;                   ///< common ids left out whose answers differ
  std::vector<PairOfRuns> pairs;           ///< with p-values adjusted by Holm over pairs where there are several
  std::vector<PairedComparison> by_topic;  ///< of two runs alone: a topic each, adjusted by Holm over topics
  std::vector<std::vector<size_t>> groups;
  std::vector<MovedQuestion> moved;  ///< of the first two runs
  std::optional<Decision> decision;  ///< of two runs, on request

  /// The two can be told apart at the level asked for.
  [[nodiscard]] bool told_apart(const PairedComparison& pair) const;
};

/// Runs and what they share.
struct DescribedRuns {
  SharedQuestions shared;  ///< points into the runs
  std::vector<ComparedRun> runs;
};

/// Input errors where they share no question, or no question with a value.
Result<DescribedRuns> describe_runs(std::span<const Run> runs, const CompareOptions& options);

/// Two runs or more. Input errors where they share no question, or no question with a value.
Result<RunComparison> compare_runs(std::span<const Run> runs, const CompareOptions& options);

}  // namespace hre
