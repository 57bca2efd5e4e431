#include "stats/summary.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <numeric>
#include <string>
#include <vector>

#include "stats/distributions.h"

namespace hre {
namespace {

using Metric = std::optional<double> QuestionMetrics::*;

// One metric, where a summary keeps it, and its value for scores that say nothing of the votes.
struct MetricField {
  Metric value;
  Estimate MetricSummary::*estimate;
  double no_association;
};

constexpr MetricField kMetrics[] = {
    {&QuestionMetrics::pearson, &MetricSummary::pearson, 0},
    {&QuestionMetrics::spearman, &MetricSummary::spearman, 0},
    {&QuestionMetrics::kendall, &MetricSummary::kendall, 0},
    {&QuestionMetrics::pairwise_accuracy, &MetricSummary::pairwise_accuracy, 0.5},
};

using Questions = std::vector<const QuestionResult*>;

Estimate estimate_metric(const Questions& questions, const MetricField& metric, UndefinedPolicy policy) {
  std::vector<double> values;
  int64_t undefined = 0;
  for (const QuestionResult* question : questions) {
    const std::optional<double> value = question->metrics.*metric.value;
    if (!value) ++undefined;
    if (value || policy == UndefinedPolicy::kZero) values.push_back(value.value_or(metric.no_association));
  }
  return mean_estimate(values, undefined);
}

MetricSummary estimate_metrics(const Questions& questions, UndefinedPolicy policy) {
  MetricSummary summary;
  for (const MetricField& metric : kMetrics) {
    summary.*metric.estimate = estimate_metric(questions, metric, policy);
  }
  return summary;
}

MetricSummary average_topics(const std::vector<TopicSummary>& topics) {
  MetricSummary summary;
  for (const MetricField& metric : kMetrics) {
    std::vector<Estimate> means;
    for (const TopicSummary& topic : topics) means.push_back(topic.metrics.*metric.estimate);
    summary.*metric.estimate = mean_of_means(means);
  }
  return summary;
}

void set_interval(Estimate& estimate, double degrees_of_freedom) {
  const double half_width = *estimate.stderr_ * student_t_quantile(0.975, degrees_of_freedom);
  estimate.ci_low = *estimate.mean - half_width;
  estimate.ci_high = *estimate.mean + half_width;
}

// Without any variance there is nothing to spread: an interval of width 0, whatever the degrees of freedom.
double welch_satterthwaite(double sum_squares, double sum_fourth_by_df) {
  return sum_fourth_by_df > 0 ? sum_squares * sum_squares / sum_fourth_by_df : 1;
}

}  // namespace

Moments moments(std::span<const double> values) {
  if (values.empty()) return {};
  const auto n = static_cast<double>(values.size());
  const double first = values.front();
  double sum = 0;
  for (const double value : values) sum += value - first;
  const double shift = sum / n;
  double squares = 0;
  for (const double value : values) squares += (value - first - shift) * (value - first - shift);
  return {static_cast<int64_t>(values.size()), first + shift, values.size() < 2 ? 0 : squares / (n - 1)};
}

Estimate mean_estimate(std::span<const double> values, int64_t undefined) {
  const Moments m = moments(values);
  Estimate estimate;
  estimate.n = m.n;
  estimate.undefined = undefined;
  if (m.n > 0) estimate.mean = m.mean;
  if (m.n > 1) {
    estimate.stderr_ = std::sqrt(m.variance / static_cast<double>(m.n));
    set_interval(estimate, static_cast<double>(m.n - 1));
  }
  return estimate;
}

Estimate mean_of_means(std::span<const Estimate> strata) {
  Estimate estimate;
  double sum = 0;
  double sum_squares = 0;
  double sum_fourth_by_df = 0;
  bool has_error = true;
  for (const Estimate& stratum : strata) {
    if (!stratum.mean) {
      ++estimate.undefined;
      continue;
    }
    ++estimate.n;
    sum += *stratum.mean;
    has_error = has_error && stratum.stderr_;
    const double square = std::pow(stratum.stderr_.value_or(0), 2);
    sum_squares += square;
    if (stratum.n > 1) sum_fourth_by_df += square * square / static_cast<double>(stratum.n - 1);
  }
  if (estimate.n == 0) return estimate;
  estimate.mean = sum / static_cast<double>(estimate.n);
  if (!has_error) return estimate;
  estimate.stderr_ = std::sqrt(sum_squares) / static_cast<double>(estimate.n);
  set_interval(estimate, welch_satterthwaite(sum_squares, sum_fourth_by_df));
  return estimate;
}

Summary summarize(const std::vector<QuestionResult>& questions, UndefinedPolicy policy) {
  std::map<std::string, Questions> by_topic;
  Questions all;
  for (const QuestionResult& question : questions) {
    by_topic[question.topic].push_back(&question);
    all.push_back(&question);
  }
  Summary summary;
  for (const auto& [topic, members] : by_topic) {
    const MetricSummary metrics = estimate_metrics(members, policy);
    summary.topics.push_back({topic, static_cast<int64_t>(members.size()), metrics.pearson.undefined, metrics});
  }
  summary.micro = estimate_metrics(all, policy);
  summary.macro = average_topics(summary.topics);
  summary.questions = static_cast<int64_t>(questions.size());
  summary.undefined = summary.micro.pearson.undefined;
  return summary;
}

}  // namespace hre
