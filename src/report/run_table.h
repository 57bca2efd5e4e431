#pragma once
/// The table of results: topics down, metrics or models across.

#include <string>
#include <vector>

#include "hre/run.h"

namespace hre {

/// One run: every metric with its standard error and 95 % interval, by topic, with macro and micro means. Wider
/// than `width` columns (0: no limit), the metrics stand under each other instead of side by side.
/// Several runs: one block a metric, the runs side by side.
std::string run_table(const std::vector<Run>& runs, const std::vector<Summary>& summaries, int width);

/// "1.2 s", "3 min 20 s", "2 h 5 min"
std::string format_seconds(double seconds);

}  // namespace hre
