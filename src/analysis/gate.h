#pragma once
/// A verdict on a run: is it worse than a baseline, by what a policy looks at? What `hre gate` shows.

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "analysis/comparison.h"
#include "hre/run.h"

namespace hre {

/// One thing that may not fall.
struct GateRule {
  const Metric* metric = &all_metrics().front();
  std::optional<ScoreKind> score;  ///< nothing: the runs' own
  double margin = 0.02;            ///< how much worse is still good enough, in the metric's units; >= 0
  std::string topics;              ///< a glob: each topic whose name matches is checked by itself; empty: all questions
  Weights weights = Weights::kQuestions;
};

struct GatePolicy {
  std::vector<GateRule> rules;
  double level = 0.05;  ///< over all checks together (Holm)
  /// The run was to stop as soon as the verdict on the only rule is certain (Run::early_stop). Half of the level is the
  /// looks', half that of all questions, which decide where no look did.
  bool looked = false;
  bool allow_different = false;
  std::optional<UndefinedPolicy> undefined = {};  ///< nothing: as the runs were evaluated
  ComparisonOptions statistics;
  size_t moved = 5;  ///< questions to name that fell most
};

/// A rule, on all questions or those of one topic.
struct GateCheck {
  size_t rule = 0;
  std::string topic;  ///< empty: all questions
  int64_t questions = 0;
  /// That the dataset has of these topics; nothing where a run of a part does not know.
  std::optional<int64_t> dataset_questions;
  std::string run_score, baseline_score;  ///< score_formula; empty for logs
  std::optional<double> run, baseline;    ///< means
  std::optional<double> chance;           ///< of the metric over these questions; nothing where it has none
  PairedComparison comparison;            ///< run - baseline
  GateDecision decision;
};

struct GateReport {
  GatePolicy policy;
  std::string run, baseline;  ///< the models' names
  std::string reference;      ///< the model that scores are relative to; empty: none
  UndefinedPolicy undefined = UndefinedPolicy::kLeaveOut;
  int64_t dataset_questions = 0;
  std::vector<RunDifference> differences;
  std::vector<std::string> notes;
  std::vector<GateCheck> checks;
  std::vector<MovedQuestion> fell;  ///< by the first rule's metric: the questions that became worse, most first
  GateVerdict verdict = GateVerdict::kInconclusive;
};

/// FAIL where any check fails, else INCONCLUSIVE where any is, else PASS. The runs are changed to the rules' scores.
/// Input errors where the runs share no question, were not made alike, are the same one, or where a rule's topics match
/// none.
Result<GateReport> run_gate(Run run, Run baseline, const GatePolicy& policy);

}  // namespace hre
