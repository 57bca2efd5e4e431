#pragma once
/// Figures of a study: families of models, and outside judgements.

#include "report/figures/figure.h"
#include "report/study_view.h"

namespace hre {

/// For each family, by its name in lower case: NAME (value by topic, the largest size), appendix_NAME (all sizes),
/// NAME_overall (micro average by size), NAME_spearman (the same by Spearman's rho); ChatArena for the first judgement
/// whose name has "Arena", judgement_N for the others; corr.
void study_figures(const StudyView& study, Figures& figures);

}  // namespace hre
