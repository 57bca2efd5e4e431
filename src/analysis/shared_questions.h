#pragma once
/// The questions that several runs have in common, and each run's values of them: what a paired comparison is over.

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "analysis/metric.h"
#include "hre/run.h"

namespace hre {

/// Runs by their addresses.
std::vector<const Run*> pointers_to(std::span<const Run> runs);

/// Topic after topic by name; within a topic in the first run's order of evaluation. Points into the runs.
struct SharedQuestions {
  std::vector<std::string> topics;                            ///< those with questions
  std::vector<size_t> sizes;                                  ///< questions of each
  std::vector<std::vector<double>> values;                    ///< [runs x questions], finite
  std::vector<std::vector<const QuestionResult*>> questions;  ///< [runs x questions]
  std::vector<int64_t> only_here;                             ///< by run: questions that another run lacks
  std::vector<int64_t> undefined_in;                          ///< by run: common questions that have no value there
  int64_t undefined = 0;  ///< common questions left out because some run has no value
  int64_t different = 0;  ///< the same id but other answers (votes or lengths): left out

  [[nodiscard]] size_t n() const { return values.empty() ? 0 : values.front().size(); }
  [[nodiscard]] std::vector<std::span<const double>> spans() const { return {values.begin(), values.end()}; }
};

/// Questions are the same where topic and id are. With UndefinedPolicy::kZero a question without a value counts as
/// chance: that of its votes, which any run that scored it knows, else the mean of its topic's questions; otherwise it
/// is left out of all runs.
SharedQuestions share_questions(std::span<const Run* const> runs, const Metric& metric, UndefinedPolicy policy);

/// Whether two runs scored the same answers to a question: equal votes and lengths; where one could not score it, it
/// has no answers to compare.
bool same_answers(const QuestionResult& a, const QuestionResult& b);

/// Something that can move a value and is not the same in all runs.
struct RunDifference {
  std::string what;                 ///< "dataset", "prompt", "bos"
  std::vector<std::string> values;  ///< by run; "-" where a run does not say
};

/// What sets the runs' configurations apart. Left out: which questions were selected; the settings of baselines, which
/// have no model; and max_length where no answer's context was cut off. How questions without a value count
/// ("undefined") is among them.
std::vector<RunDifference> run_differences(std::span<const Run* const> runs);

}  // namespace hre
