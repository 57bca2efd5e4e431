#include "stats/run_confounds.h"

#include <chrono>
#include <cmath>
#include <map>

#include "stats/contamination.h"
#include "stats/correlation.h"
#include "stats/summary.h"

namespace hre {
namespace {

using Values = std::vector<double>;

// A question's covariate, one number an answer; nothing where one is not known.
using Covariate = std::optional<Values> (*)(const QuestionResult& question, const PostingDates* dates);

std::optional<Values> log_lengths(const QuestionResult& question, const PostingDates*) {
  Values values;
  for (const AnswerResult& answer : question.answers) values.push_back(std::log(static_cast<double>(answer.n_chars)));
  return values;
}

std::optional<Values> days(const QuestionResult& question, const PostingDates* dates) {
  if (!dates || dates->answers.size() != question.answers.size()) return std::nullopt;
  Values values;
  for (const auto& day : dates->answers) {
    if (!day) return std::nullopt;
    values.push_back(*day);
  }
  return values;
}

std::optional<Values> positions(const QuestionResult& question, const PostingDates* dates) {
  const auto known = days(question, dates);
  return known ? std::optional(average_ranks(*known)) : std::nullopt;
}

// What is gathered over questions, topic after topic.
struct Gathered {
  Values votes, scores, partial, value, explained;
  std::vector<size_t> sizes;
};

void gather(const QuestionResult& question, const Values& covariate, Gathered& all) {
  Values votes, scores;
  for (const AnswerResult& answer : question.answers) {
    votes.push_back(answer.votes);
    scores.push_back(answer.score);
  }
  const Confound confound = confound_of(votes, scores, covariate);
  if (confound.votes) all.votes.push_back(*confound.votes);
  if (confound.scores) all.scores.push_back(*confound.scores);
  if (confound.partial) all.partial.push_back(*confound.partial);
  if (!confound.explained || !question.metrics.pearson) return;
  all.value.push_back(*question.metrics.pearson);
  all.explained.push_back(*confound.explained);
  ++all.sizes.back();
}

std::optional<CovariateSummary> summarize_covariate(const std::string& name, Covariate covariate, const Run& run,
                                                    std::span<const PostingDates> dates,
                                                    const BootstrapOptions& options) {
  std::map<std::string, std::vector<size_t>> topics;
  for (size_t i = 0; i < run.questions.size(); ++i) {
    if (!run.questions[i].answers.empty()) topics[run.questions[i].topic].push_back(i);
  }
  Gathered all;
  for (const auto& [topic, questions] : topics) {
    all.sizes.push_back(0);
    for (const size_t i : questions) {
      if (const auto values = covariate(run.questions[i], dates.empty() ? nullptr : &dates[i])) {
        gather(run.questions[i], *values, all);
      }
    }
  }
  if (all.value.empty()) return std::nullopt;
  return CovariateSummary{name,
                          static_cast<int64_t>(all.value.size()),
                          mean_estimate(all.votes),
                          mean_estimate(all.scores),
                          mean_estimate(all.value),
                          mean_estimate(all.partial),
                          explained_share(all.explained, all.value, all.sizes, options)};
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

}  // namespace

RunConfounds run_confounds(const Run& run, std::span<const PostingDates> dates, const BootstrapOptions& options,
                           double share) {
  RunConfounds result;
  const std::pair<const char*, Covariate> covariates[] = {
      {"log length", log_lengths}, {"age", days}, {"position", positions}};
  for (const auto& [name, covariate] : covariates) {
    if (auto summary = summarize_covariate(name, covariate, run, dates, options)) {
      result.covariates.push_back(std::move(*summary));
    }
  }
  std::map<int, Values> years;
  for (size_t i = 0; i < dates.size(); ++i) {
    const auto value = min_k_of(run.questions[i], share);
    if (value && dates[i].question) years[year_of(*dates[i].question)].push_back(*value);
  }
  for (const auto& [year, values] : years) result.years.push_back({year, mean_estimate(values)});
  return result;
}

}  // namespace hre
