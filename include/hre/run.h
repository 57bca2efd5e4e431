#pragma once
/// A run is one model on one dataset under one configuration: plain values, which evaluate.h makes, summary.h averages
/// and store.h keeps.
///
/// The dataset's questions become prompts, prompts become token plans, the scorer gives each
/// answer token's log-probability, an answer's score is their sum by its length, and a question's
/// value is the correlation of scores and votes.
///
/// An example, which the tests run:
///
///   hre::Run run;
///   run.questions = {{"python/000000", "python", {}, {}, ""}};
///   run.planned = 2;
///   std::printf("%s\n", run.partial() ? "partial" : "whole");  // prints: partial

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "hre/estimate.h"
#include "hre/result.h"
#include "hre/scorer.h"

namespace hre {

/// One answer as the model scored it.
struct AnswerResult {
  double votes = 0;
  int64_t n_chars = 0;      ///< Unicode code points scored
  int64_t n_bytes = 0;      ///< of the same text in UTF-8; 0 where an older file or store does not say
  int n_tokens = 0;         ///< tokens scored
  int n_truncated = 0;      ///< context tokens cut off on the left
  int n_cut_chars = 0;      ///< code points cut off the answer's end
  double sum_log_prob = 0;  ///< nats; the sum over the answer's tokens, in double precision
  double score = 0;  ///< sum_log_prob / n_chars, unless the run's score or the model's description says otherwise
  std::vector<float> token_log_probs;  ///< nats; kept on request
  TokenTexts token_texts;              ///< of those tokens; empty where the scorer can't tell
  /// Nats, where the run's scores are relative to a reference; NaN where that has no value for the answer.
  std::optional<double> reference_log_prob = {};
  std::optional<double> posted = {};  ///< as the dataset's answer; files and stores don't keep it
};

/// The metrics of one question; nothing where undefined (constant votes or scores, too few answers).
struct QuestionMetrics {
  std::optional<double> pearson, spearman, kendall, pairwise_accuracy;
  std::optional<double> top_one, ndcg;  ///< is the best answer ranked first, and the best ones near the top
  std::optional<double> pearson_log;    ///< Pearson of log votes, sign(v) log(1 + |v|), and scores
  std::optional<double> pearson_ranks;  ///< Pearson of the votes' ranks and scores
  std::optional<double> margin;         ///< mean of score of better - score of worse, over pairs with different votes
  std::optional<double> length_only;    ///< Pearson of votes and length: a control without a model
  /// Minus the log-likelihood in bits by the text's bytes in UTF-8: of all answers together, of those with the most and
  /// with the fewest votes, and fewest - most. Nothing where the score is no log-likelihood or the bytes are not known.
  std::optional<double> bits_per_byte, bits_best, bits_worst, bits_gap;
  /// Pairwise accuracy over the pairs whose later answer has more votes, and over those whose earlier one has. Nothing
  /// without such a pair, or where the dates of answers are not known.
  std::optional<double> later_wins, earlier_wins;
  std::optional<double> later_wins_chance, earlier_wins_chance;  ///< 1/2 where those are defined
  std::optional<double> item;                                    ///< of a log of another harness: see Run::item_metric
  std::optional<double> top_one_chance, ndcg_chance;             ///< what a random order of the answers gets on average
};

struct QuestionResult {
  std::string id;
  std::string topic;
  QuestionMetrics metrics;
  std::vector<AnswerResult> answers;  ///< empty where the question could not be scored
  std::string problem;                ///< why it could not be; empty if it was
  Repeats repeats = {};               ///< of a log's item, whose value is the mean of so many
};

/// What an answer's log-likelihood is divided by to be its score.
enum class ScoreKind {
  kPerChar,  ///< the published rule
  kPerToken,
  kPerByte,
  kSum,  ///< by nothing
};

/// What a mean does with questions that have no value.
enum class UndefinedPolicy {
  kLeaveOut,
  kZero,  ///< they count as chance, what scores that say nothing of the votes get: 0 for correlations
  kFail,  ///< as kLeaveOut, and the command that meets one ends with an error
};

/// One of several shares of an evaluation, for jobs that know nothing of each other; from 1 to count.
struct ShardChoice {
  int index = 1, count = 1;
};

/// A shard's part in the whole selection.
struct RunShard {
  int index = 1, count = 1;
  int64_t selected = 0;         ///< questions of all shards
  std::vector<int64_t> places;  ///< of the run's questions among them, counted from 0
};

/// What was asked for: everything of the evaluation, not of the model, that can move a value.
struct EvalOptions {
  std::vector<std::string> topics = {};  ///< globs; none: all
  std::optional<int64_t> limit = {};     ///< questions a topic, after the shuffle
  bool shuffle = true;                   ///< the published order, by Python's random.Random(seed).shuffle
  uint64_t shuffle_seed = 42;
  std::vector<std::string> where =
      {};  ///< conditions that the dataset's questions were chosen by before; for the record
  std::string prompt = "Question: {question}\nAnswer: {answer}";
  UndefinedPolicy undefined = UndefinedPolicy::kLeaveOut;
  std::optional<ShardChoice> shard = {};  ///< of the questions selected, only these
  bool keep_tokens = false;
  int plan_threads = 0;  ///< 0: all cores
};

struct RunTimes {
  double plan_seconds = 0;
  double score_seconds = 0;
  int64_t positions = 0;           ///< tokens computed, prompts once a question
  int64_t positions_unshared = 0;  ///< tokens that one pass an answer would have computed
  int64_t reused = 0;              ///< questions whose stored answers stand for new ones
  double keep_seconds = 0;  ///< of score_seconds: handing answers to the store, whose own thread writes; not kept

  /// Tokens computed in a second of scoring; nothing where none were.
  [[nodiscard]] std::optional<double> tokens_per_second() const {
    if (positions == 0 || !(score_seconds > 0)) return std::nullopt;
    return static_cast<double>(positions) / score_seconds;
  }
};

/// How a run is kept, and what is reused of earlier ones. Answers are reused only where everything that can move
/// their value is equal: the text, the weights' content, and all that the model's description states.
struct Keeping {
  std::string store = {};  ///< file of the store; empty: nothing is kept or reused
  std::string name = {};   ///< for the run; empty: made of model and dataset
  bool reuse = true;       ///< false: score everything again, and replace what is stored
  double recheck = 0;      ///< share of the reusable answers that is scored again and must be equal, in [0, 1]
  /// Ask a server for a sample again, in another order, when all is done; false where the caller compares by itself.
  bool check_order = true;
  bool explain = false;  ///< look for why answers are not reused: see Run::explanation
};

/// An evaluation that was to end as soon as it knew enough (eval/until.h).
struct EarlyStop {
  std::string rule;                 ///< "width=0.05", "decided"
  std::string metric;               ///< "pearson"
  uint64_t seed = 0;                ///< of the order in which topics took turns
  bool reached = false;             ///< false: all questions were needed, and were not enough
  std::optional<double> low, high;  ///< 95 % for the mean (decided: the difference) at the last look
  bool operator==(const EarlyStop&) const = default;
};

/// The model whose log-likelihoods are taken off a run's, answer by answer.
struct ReferenceModel {
  std::string name, source, fingerprint;
  std::string prompt;  ///< that of the run, or, for pointwise mutual information, the same without the question
  bool operator==(const ReferenceModel&) const = default;
};

struct Run {
  ModelDescription model;
  std::string dataset_name;
  std::string dataset_source;
  std::string dataset_fingerprint;
  int64_t dataset_questions = 0;  ///< in the dataset, before any selection
  EvalOptions options;
  std::vector<QuestionResult> questions;  ///< topic after topic, in the order of evaluation
  int64_t planned = 0;                    ///< questions selected; more than questions.size() where interrupted
  RunTimes times;
  std::string created;           ///< UTC, ISO 8601
  std::optional<Error> failure;  ///< why it ended before its end, other than by `stop`
  std::optional<EarlyStop> early_stop;
  std::optional<RunShard> shard;
  ScoreKind score = ScoreKind::kPerChar;    ///< a view of what was scored: analysis/scores.h; the store keeps none
  std::optional<ReferenceModel> reference;  ///< likewise
  /// "acc": the run is a log of another harness (eval/item_log.h). Its questions have this value and no answers.
  std::string item_metric;

  std::string id, name;                  ///< in the store; empty where it is in none
  std::optional<Error> not_kept;         ///< why it, or some of it, is not in the store that was asked for
  std::vector<std::string> explanation;  ///< what was reused and why the rest was not, a line each

  /// Interrupted, or failed half-way; the values are of what was done.
  [[nodiscard]] bool partial() const {
    return static_cast<int64_t>(questions.size()) < planned && !(early_stop && early_stop->reached);
  }
};

}  // namespace hre
