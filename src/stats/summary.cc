#include "stats/summary.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <numeric>
#include <string>
#include <vector>

#include "stats/bootstrap.h"
#include "stats/confound.h"
#include "stats/distributions.h"
#include "stats/metric.h"

namespace hre {
namespace {

using Questions = std::vector<const QuestionResult*>;

// A question's value under the policy.
std::optional<double> value_of(const QuestionResult& question, const Metric& metric, UndefinedPolicy policy) {
  const std::optional<double> value = question.metrics.*metric.of_question;
  if (!value && policy == UndefinedPolicy::kZero) return metric.no_association;
  return value;
}

Estimate estimate_metric(const Questions& questions, const Metric& metric, UndefinedPolicy policy) {
  std::vector<double> values;
  int64_t undefined = 0;
  for (const QuestionResult* question : questions) {
    if (!(question->metrics.*metric.of_question)) ++undefined;
    if (const auto value = value_of(*question, metric, policy)) values.push_back(*value);
  }
  return mean_estimate(values, undefined);
}

MetricSummary estimate_metrics(const Questions& questions, UndefinedPolicy policy) {
  MetricSummary summary;
  for (const Metric& metric : all_metrics()) {
    summary.*metric.of_summary = estimate_metric(questions, metric, policy);
  }
  return summary;
}

MetricSummary average_topics(const std::vector<TopicSummary>& topics) {
  MetricSummary summary;
  for (const Metric& metric : all_metrics()) {
    std::vector<Estimate> means;
    for (const TopicSummary& topic : topics) means.push_back(topic.metrics.*metric.of_summary);
    summary.*metric.of_summary = mean_of_means(means);
  }
  return summary;
}

// A metric's values topic after topic, and which questions have one.
struct MetricColumn {
  std::vector<double> values;
  std::vector<bool> defined;
  std::vector<size_t> sizes;
};

MetricColumn column_of(const std::map<std::string, Questions>& topics, const Metric& metric, UndefinedPolicy policy) {
  MetricColumn column;
  for (const auto& [topic, questions] : topics) {
    const size_t before = column.values.size();
    for (const QuestionResult* question : questions) {
      const auto value = value_of(*question, metric, policy);
      column.defined.push_back(value.has_value());
      if (value) column.values.push_back(*value);
    }
    column.sizes.push_back(column.values.size() - before);
  }
  return column;
}

// Metrics that are defined for the same questions share their draws, which is where the time goes.
void bootstrap_micro(const std::map<std::string, Questions>& topics, const SummaryOptions& options, Summary& summary) {
  std::map<std::vector<bool>, std::vector<std::pair<const Metric*, MetricColumn>>> groups;
  for (const Metric& metric : all_metrics()) {
    MetricColumn column = column_of(topics, metric, options.undefined);
    groups[column.defined].emplace_back(&metric, std::move(column));
  }
  const BootstrapOptions bootstrap{options.draws, options.seed, options.threads, Weights::kQuestions};
  for (const auto& [defined, members] : groups) {
    std::vector<std::span<const double>> runs;
    for (const auto& [metric, column] : members) runs.emplace_back(column.values);
    const std::vector<size_t>& sizes = members.front().second.sizes;
    const BootstrapDraws draws = bootstrap_means(runs, sizes, bootstrap);
    for (size_t i = 0; i < members.size(); ++i) {
      const auto interval = interval_of_deviations(draws.column(i), runs[i], sizes, Weights::kQuestions);
      if (!interval) continue;
      Estimate& estimate = summary.micro.*(members[i].first->of_summary);
      estimate.bootstrap_low = interval->low;
      estimate.bootstrap_high = interval->high;
    }
  }
}

// Over the questions where Pearson's r has its part through length, which is where it is defined.
std::optional<LengthShare> share_through_length(const std::map<std::string, Questions>& topics,
                                                const SummaryOptions& options) {
  std::vector<double> values, parts;
  std::vector<size_t> sizes;
  for (const auto& [topic, questions] : topics) {
    const size_t before = values.size();
    for (const QuestionResult* question : questions) {
      const QuestionMetrics& metrics = question->metrics;
      if (!metrics.pearson || !metrics.through_length) continue;
      values.push_back(*metrics.pearson);
      parts.push_back(*metrics.through_length);
    }
    sizes.push_back(values.size() - before);
  }
  const auto share = explained_share(parts, values, sizes, {options.draws, options.seed, options.threads});
  if (!share) return std::nullopt;
  return LengthShare{share->share, share->interval.low, share->interval.high};
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

Summary summarize(const std::vector<QuestionResult>& questions, const SummaryOptions& options) {
  std::map<std::string, Questions> by_topic;
  Questions all;
  for (const QuestionResult& question : questions) {
    by_topic[question.topic].push_back(&question);
    all.push_back(&question);
  }
  Summary summary;
  for (const auto& [topic, members] : by_topic) {
    const MetricSummary metrics = estimate_metrics(members, options.undefined);
    summary.topics.push_back({topic, static_cast<int64_t>(members.size()), metrics.pearson.undefined, metrics});
  }
  summary.micro = estimate_metrics(all, options.undefined);
  summary.macro = average_topics(summary.topics);
  summary.questions = static_cast<int64_t>(questions.size());
  summary.undefined = summary.micro.pearson.undefined;
  if (options.draws > 0 && !questions.empty()) {
    summary.draws = options.draws;
    summary.seed = options.seed;
    bootstrap_micro(by_topic, options, summary);
    summary.length_share = share_through_length(by_topic, options);
  }
  return summary;
}

}  // namespace hre
