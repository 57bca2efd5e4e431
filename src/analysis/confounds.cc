#include "analysis/confounds.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <map>

#include "analysis/notes.h"
#include "analysis/question_metrics.h"
#include "analysis/scores.h"
#include "stats/contamination.h"
#include "stats/correlation.h"
#include "stats/estimate.h"

namespace hre {
namespace {

using Values = std::vector<double>;

// A question's covariate, one number an answer; nothing where one is not known.
using Covariate = std::optional<Values> (*)(const QuestionResult& question, const PostingFacts* facts);

std::optional<Values> log_lengths(const QuestionResult& question, const PostingFacts*) {
  return log_lengths_of(question.answers);
}

std::optional<Values> days(const QuestionResult& question, const PostingFacts* facts) {
  if (!facts || facts->answers.size() != question.answers.size()) return std::nullopt;
  Values values;
  for (const auto& day : facts->answers) {
    if (!day) return std::nullopt;
    values.push_back(*day);
  }
  return values;
}

// Votes fall with the logarithm of the delay: over 1,030 questions of four sites it explained 17 % of their variance
// within questions, the day of posting 3 %. An answer may be older than its question where questions were merged.
std::optional<Values> log_delays(const QuestionResult& question, const PostingFacts* facts) {
  constexpr double kHours = 24;
  auto delays = facts && facts->question ? days(question, facts) : std::nullopt;
  if (!delays) return std::nullopt;
  for (double& delay : *delays) delay = std::log1p(kHours * std::max(0.0, delay - *facts->question));
  return delays;
}

std::optional<Values> positions(const QuestionResult& question, const PostingFacts* facts) {
  const auto known = days(question, facts);
  return known ? std::optional(average_ranks(*known)) : std::nullopt;
}

std::optional<CovariateSummary> summarize_covariate(const std::string& name, Covariate covariate, const Run& run,
                                                    std::span<const PostingFacts> facts) {
  std::map<std::string, std::vector<size_t>> topics;
  for (size_t i = 0; i < run.questions.size(); ++i) {
    topics[run.questions[i].topic].push_back(i);
  }
  Values with_votes, with_scores;
  std::vector<CovariateProducts> products;
  std::vector<size_t> sizes;
  for (const auto& [topic, questions] : topics) {
    sizes.push_back(0);
    for (const size_t i : questions) {
      const auto& answers = run.questions[i].answers;
      const auto values = covariate(run.questions[i], facts.empty() ? nullptr : &facts[i]);
      if (!values) continue;
      const Values votes = votes_of(answers), scores = scores_of(answers);
      auto one = covariate_products(votes, scores, *values);
      if (!one && run.options.undefined == UndefinedPolicy::kZero) one = CovariateProducts();
      if (!one) continue;
      products.push_back(*one);
      ++sizes.back();
      if (const auto r = pearson(votes, *values)) with_votes.push_back(*r);
      if (const auto r = pearson(scores, *values)) with_scores.push_back(*r);
    }
  }
  if (products.empty()) return std::nullopt;
  return CovariateSummary{name, static_cast<int64_t>(products.size()), mean_estimate(with_votes, Interval{-1, 1}),
                          mean_estimate(with_scores, Interval{-1, 1}),
                          value_parts(products, sizes, Weights::kQuestions)};
}

/// What the metrics need that go by dates, with the dates of `facts`.
std::vector<QuestionResult> dated_questions(const Run& run, std::span<const PostingFacts> facts) {
  std::vector<QuestionResult> questions;
  for (size_t i = 0; i < facts.size(); ++i) {
    const QuestionResult& question = run.questions[i];
    if (!question.problem.empty() || facts[i].answers.size() != question.answers.size()) continue;
    QuestionResult& dated = questions.emplace_back(QuestionResult{question.id, question.topic, {}, {}, {}});
    for (size_t k = 0; k < question.answers.size(); ++k) {
      AnswerResult& answer = dated.answers.emplace_back();
      answer.votes = question.answers[k].votes;
      answer.score = question.answers[k].score;
      answer.posted = facts[i].answers[k];
    }
    add_dated_metrics(dated.answers, dated.metrics);
  }
  return questions;
}

int year_of(double day) {
  const std::chrono::sys_days date{std::chrono::days(static_cast<int>(std::floor(day)))};
  return static_cast<int>(std::chrono::year_month_day(date).year());
}

// The mean of the answers' Min-K%; nothing where tokens are not kept.
std::optional<double> min_k_of(const QuestionResult& question, double share) {
  double sum = 0;
  for (const AnswerResult& answer : question.answers) {
    const auto value = min_k_percent(answer.token_log_probs, share);
    if (!value || !std::isfinite(*value)) return std::nullopt;
    sum += *value;
  }
  return question.answers.empty() ? std::nullopt : std::optional(sum / static_cast<double>(question.answers.size()));
}

// Votes that are their difference alone: at least so many people voted.
std::optional<VoteCounts> least_counts(const QuestionResult& question) {
  constexpr double kMost = 1e15;
  VoteCounts counts;
  for (const AnswerResult& answer : question.answers) {
    if (answer.votes != std::floor(answer.votes) || std::abs(answer.votes) > kMost) return std::nullopt;
    counts.up.push_back(static_cast<int64_t>(std::max(answer.votes, 0.0)));
    counts.down.push_back(static_cast<int64_t>(std::max(-answer.votes, 0.0)));
  }
  return counts;
}

}  // namespace

std::optional<double> RunCeiling::share() const {
  return value.mean && ceiling.mean && *ceiling.mean > 0 ? std::optional(*value.mean / *ceiling.mean) : std::nullopt;
}

std::optional<Interval> RunCeiling::share_interval() const {
  if (!value.ci_low || !ceiling.interval || ceiling.interval->low <= 0) return std::nullopt;
  const auto by = [&](double end, bool low) {
    return end / ((end > 0) == low ? ceiling.interval->high : ceiling.interval->low);
  };
  return Interval{by(*value.ci_low, true), by(*value.ci_high, false)};
}

std::optional<RunCeiling> run_ceiling(const Run& run, std::span<const PostingFacts> facts) {
  std::vector<VoteCounts> counted, least;
  std::vector<double> counted_values, least_values;
  for (size_t i = 0; i < run.questions.size(); ++i) {
    const QuestionResult& question = run.questions[i];
    if (!question.metrics.pearson) continue;
    if (i < facts.size() && !facts[i].votes.up.empty()) {
      counted.push_back(facts[i].votes);
      counted_values.push_back(*question.metrics.pearson);
    }
    auto counts = least_counts(question);
    if (!counts) return std::nullopt;
    least.push_back(std::move(*counts));
    least_values.push_back(*question.metrics.pearson);
  }
  RunCeiling result;
  result.counted = counted.size() >= kFewestForCeiling || (!counted.empty() && counted.size() == least.size());
  result.ceiling = vote_ceiling(result.counted ? counted : least);
  if (!result.ceiling.mean) return std::nullopt;
  result.value = mean_estimate(result.counted ? counted_values : least_values, Interval{-1, 1});
  return result;
}

std::optional<std::string> ceiling_note(const RunCeiling& ceiling) {
  const auto& interval = ceiling.ceiling.interval;
  if (!interval) return std::nullopt;
  return fmt::format(
      "Ceiling: votes are counts of people, so even scores equal to each answer's expected votes would have a mean r "
      "of {}{:.2f} [{:.2f}, {:.2f}].",
      ceiling.counted ? "" : "at most ", *ceiling.ceiling.mean, interval->low, interval->high);
}

RunConfounds run_confounds(const Run& run, std::span<const PostingFacts> facts, double share) {
  RunConfounds result;
  result.notes = run_notes(run, static_cast<int64_t>(run.questions.size()));
  const std::pair<const char*, Covariate> covariates[] = {
      {"log length", log_lengths}, {"log delay", log_delays}, {"position", positions}};
  for (const auto& [name, covariate] : covariates) {
    if (auto summary = summarize_covariate(name, covariate, run, facts)) {
      result.covariates.push_back(std::move(*summary));
    }
  }
  std::map<int, Values> years;
  for (size_t i = 0; i < facts.size(); ++i) {
    const auto value = min_k_of(run.questions[i], share);
    if (value && facts[i].question) years[year_of(*facts[i].question)].push_back(*value);
  }
  const MetricSummary own = summarize(run.questions, {.undefined = run.options.undefined, .draws = 0}).micro;
  result.log_votes = own.pearson_log;
  result.ranked_votes = own.pearson_ranks;
  const Summary summary = summarize(dated_questions(run, facts), {.draws = 0});
  result.later_wins = summary.micro.later_wins;
  result.earlier_wins = summary.micro.earlier_wins;
  result.ceiling = run_ceiling(run, facts);
  result.scores = score_table(run);
  for (const auto& [year, values] : years) result.years.push_back({year, mean_estimate(values)});
  return result;
}

}  // namespace hre
