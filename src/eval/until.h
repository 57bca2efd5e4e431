#pragma once
/// Evaluations that end as soon as they know enough: one model's value to some width, or which of two is better.

#include <optional>
#include <span>
#include <vector>

#include "analysis/metric.h"
#include "hre/evaluate.h"

namespace hre {

struct UntilOptions {
  std::optional<double> width;  ///< one model: of its value's confidence sequence; nothing: two models, until decided
  const Metric* metric = &all_metrics().front();
  uint64_t seed = 42;  ///< of the topics' turns
};

/// Evaluates one model, or two in turns, on questions in random turns of topics (stats/stopping.h), until a confidence
/// sequence over the values (of two: their differences) is as narrow as asked for or excludes 0, or all questions are
/// used. Gives a run for each model, with Run::early_stop, of the questions up to the one that decided; interrupted or
/// failed half-way, what is done, as evaluate() does. Of two models, each scores a twentieth of what is done before it
/// is the other's turn, at least 8 questions. Answers that turn out to be surplus are kept in the store too. Input
/// errors for questions that are not shuffled: their order may mean something.
Result<std::vector<Run>> evaluate_until(const Dataset& dataset, std::span<Scorer* const> scorers,
                                        const EvalOptions& options, const UntilOptions& until,
                                        ProgressListener& progress, std::stop_token stop, const Keeping& keeping = {});

}  // namespace hre
