#pragma once
/// Scores that follow from what a run keeps of its answers (sums, characters, tokens, bytes), without scoring anything
/// again.

#include <optional>
#include <span>
#include <string>
#include <vector>

#include "core/named.h"
#include "hre/run.h"
#include "hre/summary.h"

namespace hre {

/// To add one: a value of ScoreKind, its rows here, and its size in score_size. Options, tables and JSON go by the
/// list.
inline constexpr Named<ScoreKind> kScoreKinds[] = {{"per-char", ScoreKind::kPerChar},
                                                   {"per-token", ScoreKind::kPerToken},
                                                   {"per-byte", ScoreKind::kPerByte},
                                                   {"sum", ScoreKind::kSum}};
/// What an answer's log-likelihood is divided by, in words; of a sum by nothing.
inline constexpr Named<ScoreKind> kScoreSizes[] = {{"characters", ScoreKind::kPerChar},
                                                   {"tokens", ScoreKind::kPerToken},
                                                   {"bytes", ScoreKind::kPerByte},
                                                   {"", ScoreKind::kSum}};

/// The size of an answer by which its log-likelihood is divided. Nothing where it is not known: the tokens of a
/// baseline, the bytes of runs that older versions wrote.
std::optional<double> score_size(const AnswerResult& answer, ScoreKind kind);

/// "sum_log_prob / n_chars": what the scores of a run are.
std::string score_formula(const Run& run);

/// The same where it is not the published one; empty for that, for logs, and for models without a choice of score.
std::string derived_score(const Run& run);

/// What values of these runs are called: "HumanRankEval", which is of the published score, "HumanRankEval by
/// sum_log_prob", or the value of logs. At least one run.
std::string benchmark_name(std::span<const Run* const> runs);

/// Makes the scores of all answers and the metrics of all questions anew. A model whose value is no log-likelihood
/// keeps its score. Input error where no answer of the run has the size that the score needs.
Status choose_score(ScoreKind kind, Run& run);

/// Makes the scores relative to a reference: (log-likelihood - the reference's) by the size. A model tuned from the
/// reference on preferences has in this difference its implicit reward, divided by beta (Rafailov et al., arXiv
/// 2305.18290); where the reference is the same model without the question, it is the pointwise mutual information of
/// question and answer. Questions that the reference lacks have no value. Input errors where it shares no question, for
/// values that are no log-likelihoods, and for runs that were not made alike, unless that is allowed.
Status refer_to(const Run& reference, bool allow_different, Run& run);

/// The prompt without its question.
std::string prompt_without_question(const std::string& prompt);

/// The run by the published score, without a reference.
Run published_view(const Run& run);

/// The values by each score; empty for a model whose value is no log-likelihood, and for logs.
std::vector<ScoreSummary> score_table(const Run& run);

}  // namespace hre
