#pragma once
/// The table of results: topics down, metrics or models across.

#include <string>
#include <vector>

#include "analysis/metric.h"
#include "hre/summary.h"

namespace hre {

/// Topics down with macro and micro means, for some metrics; then the means of the other shown ones, a line each. Every
/// value with its standard error and 95 % interval. One run has its metrics side by side; of several, each metric has a
/// table with the runs side by side. What would be wider than `width` columns (0: no limit) stands under each other.
std::string run_table(const std::vector<Run>& runs, const std::vector<Summary>& summaries, int width,
                      const std::vector<const Metric*>& metrics_by_topic = {&all_metrics().front()});

/// "1.2 s", "3 min 20 s", "2 h 5 min"
std::string format_seconds(double seconds);

/// How the means move with the score of answers; empty without scores.
std::string scores_table(const std::vector<ScoreSummary>& scores);

}  // namespace hre
