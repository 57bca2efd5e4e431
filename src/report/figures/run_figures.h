#pragma once
/// Figures of the runs alone, without a study.

#include "report/figures/figure.h"
#include "report/report_data.h"

namespace hre {

/// headline, dialogue: one question of the data, its answers as people and as the run with the highest mean rank them.
void question_figures(const ReportData& data, Figures& figures);

/// votes, appendix_votes: how votes are distributed in each topic.
void vote_figures(const ReportData& data, Figures& figures);

/// overall_mean, forest, rank_intervals, detection_rate, value_speed, training_steps.
void model_figures(const ReportData& data, Figures& figures);

}  // namespace hre
