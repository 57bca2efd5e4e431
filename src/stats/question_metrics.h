#pragma once
/// All metrics of one question, from its answers as scored.

#include <span>

#include "hre/run.h"

namespace hre {

/// Nothing where undefined; see stats/correlation.h, stats/ranking.h and stats/confound.h. The length controls:
/// `length_only` is Pearson's r of votes and lengths in characters (what baseline:length gets), `given_length` the
/// partial correlation of votes and scores given the logarithm of the length, `through_length` the part of Pearson's r
/// that goes through it: r(votes, log length) r(scores, log length).
QuestionMetrics question_metrics(std::span<const AnswerResult> answers);

}  // namespace hre
