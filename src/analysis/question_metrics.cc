#include "analysis/question_metrics.h"

#include <algorithm>
#include <cmath>
#include <functional>
#include <numbers>
#include <numeric>
#include <string>
#include <vector>

#include "analysis/scores.h"
#include "stats/correlation.h"
#include "stats/ranking.h"

namespace hre {
namespace {

template <class Field>
std::vector<double> collect(std::span<const AnswerResult> answers, Field field) {
  std::vector<double> values;
  for (const AnswerResult& answer : answers) values.push_back(field(answer));
  return values;
}

/// Bits per byte of the answers with these votes, as one text; nothing where the bytes of one are not known.
std::optional<double> bits_per_byte(std::span<const AnswerResult> answers, std::optional<double> votes = {}) {
  double nats = 0;
  int64_t bytes = 0;
  for (const AnswerResult& answer : answers) {
    if (votes && answer.votes != *votes) continue;
    if (answer.n_bytes == 0) return std::nullopt;
    nats -= answer.sum_log_prob;
    bytes += answer.n_bytes;
  }
  return bytes == 0 ? std::nullopt : std::optional(nats / std::numbers::ln2 / static_cast<double>(bytes));
}

/// The share of the pairs (of an answer and a later one) in which the one with more votes has the higher score; equal
/// scores count one half. Of the pairs whose later answer has more votes, or of the others.
std::optional<double> wins_of(std::span<const AnswerResult> answers, bool later) {
  double right = 0;
  int64_t pairs = 0;
  for (const AnswerResult& a : answers) {
    for (const AnswerResult& b : answers) {
      if (!a.posted || !b.posted) return std::nullopt;
      if (!(*a.posted < *b.posted) || a.votes == b.votes || (b.votes > a.votes) != later) continue;
      const double better = later ? b.score - a.score : a.score - b.score;
      if (better >= 0) right += better > 0 ? 1 : 0.5;
      ++pairs;
    }
  }
  return pairs == 0 ? std::nullopt : std::optional(right / static_cast<double>(pairs));
}

/// Over the pairs with different votes; nothing without one.
std::optional<double> margin_of(std::span<const AnswerResult> answers) {
  double sum = 0;
  int64_t pairs = 0;
  for (size_t i = 0; i < answers.size(); ++i) {
    for (size_t j = 0; j < i; ++j) {
      const AnswerResult &a = answers[i], &b = answers[j];
      if (a.votes == b.votes) continue;
      sum += a.votes > b.votes ? a.score - b.score : b.score - a.score;
      ++pairs;
    }
  }
  return pairs == 0 ? std::nullopt : std::optional(sum / static_cast<double>(pairs));
}

}  // namespace

std::vector<double> votes_of(std::span<const AnswerResult> answers) {
  return collect(answers, [](const AnswerResult& a) { return a.votes; });
}

std::vector<double> scores_of(std::span<const AnswerResult> answers) {
  return collect(answers, [](const AnswerResult& a) { return a.score; });
}

std::vector<double> log_lengths_of(std::span<const AnswerResult> answers) {
  return collect(answers,
                 [](const AnswerResult& a) { return std::log(static_cast<double>(a.n_chars + a.n_cut_chars)); });
}

QuestionMetrics question_metrics(std::span<const AnswerResult> answers) {
  const auto votes = votes_of(answers), scores = scores_of(answers);
  const auto lengths =
      collect(answers, [](const AnswerResult& a) { return static_cast<double>(a.n_chars + a.n_cut_chars); });
  const auto log_votes =
      collect(answers, [](const AnswerResult& a) { return std::copysign(std::log1p(std::abs(a.votes)), a.votes); });
  QuestionMetrics metrics;
  metrics.pearson = pearson(votes, scores);
  metrics.spearman = spearman(votes, scores);
  metrics.kendall = kendall(votes, scores);
  metrics.pairwise_accuracy = pairwise_accuracy(votes, scores);
  metrics.margin = margin_of(answers);
  metrics.top_one = top_one(votes, scores);
  metrics.ndcg = ndcg(votes, scores);
  metrics.pearson_log = pearson(log_votes, scores);
  metrics.pearson_ranks = pearson(average_ranks(votes), scores);
  metrics.length_only = pearson(votes, lengths);
  metrics.top_one_chance = top_one_chance(votes);
  metrics.ndcg_chance = ndcg_chance(votes);
  add_dated_metrics(answers, metrics);
  return metrics;
}

void add_dated_metrics(std::span<const AnswerResult> answers, QuestionMetrics& metrics) {
  constexpr double kChance = 0.5;
  metrics.later_wins = wins_of(answers, true);
  metrics.earlier_wins = wins_of(answers, false);
  metrics.later_wins_chance = metrics.later_wins ? std::optional(kChance) : std::nullopt;
  metrics.earlier_wins_chance = metrics.earlier_wins ? std::optional(kChance) : std::nullopt;
}

void add_bits_per_byte(std::span<const AnswerResult> answers, QuestionMetrics& metrics) {
  metrics.bits_per_byte = bits_per_byte(answers);
  if (answers.empty()) return;
  const auto [worst, best] = std::ranges::minmax(answers, {}, &AnswerResult::votes);
  if (!(worst.votes < best.votes)) return;
  metrics.bits_best = bits_per_byte(answers, best.votes);
  metrics.bits_worst = bits_per_byte(answers, worst.votes);
  if (metrics.bits_best && metrics.bits_worst) metrics.bits_gap = *metrics.bits_worst - *metrics.bits_best;
}

void complete_question(QuestionResult& question, bool normalise, ScoreKind kind) {
  for (size_t i = 0; i < question.answers.size(); ++i) {
    AnswerResult& answer = question.answers[i];
    const std::optional<double> size = normalise ? score_size(answer, kind) : 1;
    const double reference = answer.reference_log_prob.value_or(0);
    answer.score = size ? (answer.sum_log_prob - reference) / *size : std::nan("");
    if (std::isnan(reference)) {
      question.problem = "the reference has no value for answer " + std::to_string(i + 1);
    } else if (!size) {
      question.problem = "the number of " + std::string(name_of(kScoreSizes, kind)) + " of answer " +
                         std::to_string(i + 1) + " is not known";
    } else if (!std::isfinite(answer.score)) {
      question.problem = "the log-likelihood of answer " + std::to_string(i + 1) + " is not finite";
    }
  }
  if (!question.problem.empty()) return;
  question.metrics = question_metrics(question.answers);
  if (normalise) add_bits_per_byte(question.answers, question.metrics);
}

std::vector<double> falling_ranks(const QuestionResult& question, double AnswerResult::*value) {
  std::vector<double> negated;
  for (const AnswerResult& answer : question.answers) negated.push_back(-(answer.*value));
  return average_ranks(negated);
}

std::vector<size_t> falling_order(const QuestionResult& question, double AnswerResult::*value) {
  std::vector<size_t> order(question.answers.size());
  std::iota(order.begin(), order.end(), size_t{0});
  std::ranges::stable_sort(order, std::greater(), [&](size_t i) { return question.answers[i].*value; });
  return order;
}

std::vector<size_t> best_answers(const QuestionResult& question, double AnswerResult::*value) {
  std::vector<size_t> order = falling_order(question, value);
  std::erase_if(order, [&, best = order.empty() ? 0 : order.front()](size_t i) {
    return question.answers[i].*value != question.answers[best].*value;
  });
  return order;
}

}  // namespace hre
