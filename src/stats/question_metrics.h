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

/// What follows from a question's votes, lengths and sums of log-probabilities: each answer's score, sum_log_prob /
/// n_chars or the sum as it is, and the metrics; where a score is not finite, a problem instead.
void complete_question(QuestionResult& question, bool normalise_by_characters);

}  // namespace hre
