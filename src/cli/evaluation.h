#pragma once
/// What `eval` and `demo` share: models evaluated one after another, shown as one table.

#include <optional>
#include <string>
#include <vector>

#include "analysis/clusters.h"
#include "analysis/metric.h"
#include "cli/command.h"
#include "eval/until.h"
#include "hre/engine_options.h"
#include "hre/evaluate.h"
#include "model/speed.h"

namespace hre::cli {

/// A model that could not be evaluated to its end.
struct FailedModel {
  std::string source;
  std::string why;
};

/// Evaluates models one after another. A model that fails is reported to `err` at once and the
/// others go on; `failure` is then the first error. Interrupted, the last run is a partial one. With `until`, each ends
/// as soon as its value is known so well.
struct EvaluatedModels {
  std::vector<FailedModel> failed;
  std::vector<Run> runs;
  std::vector<Summary> summaries;
  std::vector<EngineWork> work;           ///< of each run, in this process
  std::vector<ClusteredValue> clustered;  ///< of each run's value, on request
  Status failure;

  /// Null where it was not asked for.
  [[nodiscard]] const ClusteredValue* clustered_of(size_t run) const {
    return clustered.empty() ? nullptr : &clustered[run];
  }
};
EvaluatedModels evaluate_models(const std::vector<std::string>& models, const Dataset& dataset,
                                const EngineOptions& model_options, const EvalOptions& options, const Keeping& keeping,
                                Console& console, ProgressListener& progress,
                                const std::optional<UntilOptions>& until = {});

/// Refuses models of which it is known without reading or fetching anything that they can't be opened: files that
/// don't exist, and baselines. Otherwise the last of several would be found missing after hours.
Status check_models(const std::vector<std::string>& models, const EngineOptions& options, ProgressListener& progress,
                    const std::stop_token& stop);

/// The options of one of several models: a baseline beside models gets none of those that are for models. A baseline
/// alone gets them all, and refuses them.
EngineOptions options_of(const std::string& source, const std::vector<std::string>& models,
                         const EngineOptions& options);

/// Prints the table and the headline: the micro average of Pearson's r with its interval.
void print_evaluation(const EvaluatedModels& evaluation, Console& console,
                      const std::vector<const Metric*>& metrics_by_topic = {});

}  // namespace hre::cli
