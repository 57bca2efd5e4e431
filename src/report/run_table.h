#pragma once
/// Runs' values as text: what people see at a glance, and all metrics.

#include <string>
#include <vector>

#include "analysis/metric.h"
#include "hre/summary.h"

namespace hre {

/// What `hre eval` shows unless metrics are asked for: of one run, topics down with HumanRankEval and the share of
/// pairs in people's order, beside what length alone and chance would have; of several, a line each.
std::string summary_table(const std::vector<Run>& runs, const std::vector<Summary>& summaries, int width);

/// Topics down with macro and micro means, for some metrics; then the means of the others, a line each. One run has its
/// metrics side by side; of several, each metric has a table with the runs side by side.
std::string metrics_tables(const std::vector<Run>& runs, const std::vector<Summary>& summaries, int width,
                           const std::vector<const Metric*>& metrics_by_topic = {&all_metrics().front()});

/// "0.395 = 0.151 through the answers' length + 0.244 beyond it"; empty where there are no parts.
std::string length_sentence(const LengthParts& parts);

/// Why questions of a run have no value, and what becomes of them; empty where all have one.
std::string undefined_sentence(const Run& run, const Summary& summary);

/// How the means move with the score of answers; empty without scores.
std::string scores_table(const std::vector<ScoreSummary>& scores, int width);

}  // namespace hre
