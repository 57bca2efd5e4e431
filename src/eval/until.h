#pragma once
/// Evaluations that end as soon as they know enough: one model's value to some width, whether it is worse than a run by
/// more than a margin, or which of two models is better.

#include <optional>
#include <span>
#include <vector>

#include "analysis/metric.h"
#include "hre/evaluate.h"

namespace hre {

/// A run that one model is held against.
struct UntilGate {
  const Run* baseline = nullptr;  ///< lives longer; questions that it lacks are scored and not looked at
  double margin = 0;              ///< how much worse is still good enough
  double alpha = 0.05;            ///< probability that a look errs
  std::optional<UndefinedPolicy> undefined = {};  ///< nothing: as the runs are evaluated
};

/// One model by its width or its gate; two, until it is decided which is better.
struct UntilOptions {
  std::optional<double> width = {};  ///< of the value's confidence sequence
  std::optional<UntilGate> gate = {};
  const Metric* metric = &all_metrics().front();
  uint64_t seed = 42;  ///< of the topics' turns
};

/// Evaluates one model, or two in turns, on questions in random turns of topics (stats/stopping.h), until a confidence
/// sequence over the values (of two models, or a model and a baseline: their differences) is as narrow as asked for or
/// excludes 0 (minus the margin), or all questions are used. Gives a run for each model, with Run::early_stop, of the
/// questions up to the one that decided; interrupted or failed half-way, what is done, as evaluate() does. Of two
/// models, each scores a twentieth of what is done before it is the other's turn, at least 8 questions. Answers that
/// turn out to be surplus are kept in the store too. Input errors for questions that are not shuffled: their order may
/// mean something; and for a baseline of another configuration.
Result<std::vector<Run>> evaluate_until(const Dataset& dataset, std::span<Scorer* const> scorers,
                                        const EvalOptions& options, const UntilOptions& until,
                                        ProgressListener& progress, std::stop_token stop, const Keeping& keeping = {});

}  // namespace hre
