#pragma once
/// Runs on one dataset side by side: the values that a report shows of them.

#include <optional>
#include <span>
#include <string>
#include <vector>

#include "analysis/clusters.h"
#include "analysis/comparison.h"
#include "analysis/confounds.h"
#include "hre/run.h"
#include "hre/summary.h"

namespace hre {

struct SideBySide {
  std::vector<Summary> summaries;                        ///< by run
  std::vector<std::optional<ClusteredValue>> clustered;  ///< by run, where CompareOptions::clusters are given
  /// Of the runs with questions, where there are two or more with a question in common; it is the one that hre compare
  /// makes of them.
  std::optional<Comparison> comparison;
  std::vector<size_t> compared;       ///< the comparison's runs, by position
  std::vector<std::string> caveats;   ///< why there is no comparison, or between which runs none should be made
  std::optional<RunCeiling> ceiling;  ///< of the first run's votes
};

/// `means`, by run, are those of runs without their questions. Fails where compare_runs refuses the runs.
Result<SideBySide> put_side_by_side(std::span<const Run> runs, std::vector<std::optional<Summary>> means,
                                    const CompareOptions& options);

}  // namespace hre
