#pragma once
/// All metrics of one question, from its answers as scored.

#include <span>
#include <vector>

#include "hre/run.h"

namespace hre {

/// Nothing where undefined; see stats/correlation.h and stats/ranking.h. `length_only` is Pearson's r of votes and
/// lengths in characters, as people saw the answers, whatever was cut off for the model.
QuestionMetrics question_metrics(std::span<const AnswerResult> answers);

/// The metrics that need sum_log_prob and n_bytes. The best and the worst answers are nobody's where all votes are
/// equal.
void add_bits_per_byte(std::span<const AnswerResult> answers, QuestionMetrics& metrics);

/// The metrics that need the dates of all answers.
void add_dated_metrics(std::span<const AnswerResult> answers, QuestionMetrics& metrics);

/// By answer. Lengths are in code points, of the whole answer as people saw it.
std::vector<double> votes_of(std::span<const AnswerResult> answers);
std::vector<double> scores_of(std::span<const AnswerResult> answers);
std::vector<double> log_lengths_of(std::span<const AnswerResult> answers);

/// What follows from a question's votes, sizes and sums of log-probabilities: each answer's score, sum_log_prob by its
/// size (scores.h) or the sum as it is, and the metrics; where a score is not finite, a problem instead. Scores that
/// are not normalised are no log-likelihoods, and have no bits per byte.
void complete_question(QuestionResult& question, bool normalise, ScoreKind kind = ScoreKind::kPerChar);

/// Ranks of a question's answers from 1, the highest value first; ties share theirs.
std::vector<double> falling_ranks(const QuestionResult& question, double AnswerResult::*value);

/// A question's answers by position, the highest value first; ties in their order.
std::vector<size_t> falling_order(const QuestionResult& question, double AnswerResult::*value);

/// Those with the highest value, by position. Two models that disagree on a question have none in common.
std::vector<size_t> best_answers(const QuestionResult& question, double AnswerResult::*value);

}  // namespace hre
