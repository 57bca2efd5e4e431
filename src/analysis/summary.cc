#include "hre/summary.h"

#include <algorithm>
#include <map>
#include <string>
#include <vector>

#include "analysis/metric.h"
#include "analysis/question_metrics.h"
#include "analysis/scores.h"
#include "stats/bootstrap.h"
#include "stats/confound.h"
#include "stats/estimate.h"

namespace hre {
namespace {

using Questions = std::vector<const QuestionResult*>;

// Of a log's values that are all 0 or 1 there is an exact interval, as of Top-1.
std::optional<Interval> range_of(const Metric& metric, std::span<const double> values) {
  constexpr Interval kRightOrWrong{0, 1};
  return &metric == &item_metric() && at_ends(values, kRightOrWrong) ? kRightOrWrong : metric.range;
}

std::vector<const Metric*> metrics_of(const Questions& questions) {
  if (std::ranges::any_of(questions, [](const QuestionResult* q) { return q->metrics.item.has_value(); })) {
    return {&item_metric()};
  }
  std::vector<const Metric*> metrics;
  for (const Metric& metric : all_metrics()) metrics.push_back(&metric);
  for (const Metric& metric : dated_metrics()) {
    const auto has_value = [&](const QuestionResult* q) { return (q->metrics.*metric.of_question).has_value(); };
    if (std::ranges::any_of(questions, has_value)) metrics.push_back(&metric);
  }
  return metrics;
}

// A question without a value may count as its topic's chance, whether the mean is the topic's or over all topics.
MetricSummary estimate_metrics(const Questions& questions, const std::map<std::string, Questions>& topics,
                               UndefinedPolicy policy) {
  MetricSummary summary;
  for (const Metric* const one : metrics_of(questions)) {
    const Metric& metric = *one;
    std::map<std::string, std::optional<double>> chances;
    std::vector<double> values;
    int64_t undefined = 0;
    std::optional<double> sum_of_chances = 0;
    for (const QuestionResult* question : questions) {
      auto [chance, is_new] = chances.try_emplace(question->topic);
      if (is_new) chance->second = chance_level(topics.at(question->topic), metric);
      if (!(question->metrics.*metric.of_question)) ++undefined;
      const auto value = value_under(policy, *question, metric, chance->second);
      if (!value) continue;
      values.push_back(*value);
      const auto own = chance_of(*question, metric, chance->second);
      sum_of_chances = own && sum_of_chances ? std::optional(*sum_of_chances + *own) : std::nullopt;
    }
    Estimate& estimate = summary.*metric.of_summary = mean_estimate(values, range_of(metric, values), undefined);
    if (estimate.mean && sum_of_chances) estimate.chance = *sum_of_chances / static_cast<double>(values.size());
  }
  return summary;
}

/// Questions without a Pearson correlation; items without a value.
int64_t undefined_of(const MetricSummary& summary) {
  return summary.item.n > 0 ? summary.item.undefined : summary.pearson.undefined;
}

MetricSummary average_topics(const std::vector<TopicSummary>& topics, const std::vector<const Metric*>& metrics) {
  MetricSummary summary;
  for (const Metric* const one : metrics) {
    const Metric& metric = *one;
    std::vector<Estimate> means;
    double chance = 0;
    bool has_chance = true;
    for (const TopicSummary& topic : topics) {
      means.push_back(topic.metrics.*metric.of_summary);
      if (!means.back().mean) continue;
      has_chance = has_chance && means.back().chance;
      chance += means.back().chance.value_or(0);
    }
    Estimate& mean = summary.*metric.of_summary = mean_of_means(means);
    if (has_chance && mean.n > 0) mean.chance = chance / static_cast<double>(mean.n);
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
    const std::optional<double> chance = chance_level(questions, metric);
    const size_t before = column.values.size();
    for (const QuestionResult* question : questions) {
      const auto value = value_under(policy, *question, metric, chance);
      column.defined.push_back(value.has_value());
      if (value) column.values.push_back(*value);
    }
    column.sizes.push_back(column.values.size() - before);
  }
  return column;
}

// Metrics that are defined for the same questions share their draws, which is where the time goes.
void bootstrap_micro(const std::map<std::string, Questions>& topics, const std::vector<const Metric*>& metrics,
                     const SummaryOptions& options, Summary& summary) {
  std::map<std::vector<bool>, std::vector<std::pair<const Metric*, MetricColumn>>> groups;
  for (const Metric* metric : metrics) {
    MetricColumn column = column_of(topics, *metric, options.undefined);
    groups[column.defined].emplace_back(metric, std::move(column));
  }
  const BootstrapOptions bootstrap{options.draws, options.seed, options.threads, Weights::kQuestions};
  for (const auto& [defined, members] : groups) {
    std::vector<std::span<const double>> runs;
    for (const auto& [metric, column] : members) runs.emplace_back(column.values);
    const std::vector<size_t>& sizes = members.front().second.sizes;
    const BootstrapDraws draws = bootstrap_means(runs, sizes, bootstrap);
    for (size_t i = 0; i < members.size(); ++i) {
      Estimate& estimate = summary.micro.*(members[i].first->of_summary);
      const auto range = range_of(*members[i].first, runs[i]);
      if (range && at_ends(runs[i], *range)) continue;  // it has an exact interval
      const auto interval = interval_of_deviations(draws.column(i), runs[i], sizes, Weights::kQuestions);
      if (!interval) continue;
      estimate.bootstrap_low = interval->low;
      estimate.bootstrap_high = interval->high;
    }
  }
}

LengthParts parts_through_length(const std::map<std::string, Questions>& topics, UndefinedPolicy policy,
                                 Weights weights) {
  std::vector<CovariateProducts> products;
  std::vector<size_t> sizes;
  for (const auto& [topic, questions] : topics) {
    const size_t before = products.size();
    for (const QuestionResult* question : questions) {
      const auto& answers = question->answers;
      auto one = covariate_products(votes_of(answers), scores_of(answers), log_lengths_of(answers));
      if (!one && policy == UndefinedPolicy::kZero) one = CovariateProducts();
      if (one) products.push_back(*one);
    }
    sizes.push_back(products.size() - before);
  }
  const ValueParts parts = value_parts(products, sizes, weights);
  LengthParts result{parts.value, parts.through, parts.beyond, parts.share, {}, {}};
  if (parts.share_interval) {
    result.share_low = parts.share_interval->low;
    result.share_high = parts.share_interval->high;
  }
  return result;
}

}  // namespace

Summary summarize(const std::vector<QuestionResult>& questions, const SummaryOptions& options) {
  std::map<std::string, Questions> by_topic;
  Questions all;
  for (const QuestionResult& question : questions) {
    by_topic[question.topic].push_back(&question);
    all.push_back(&question);
  }
  Summary summary;
  for (const auto& [topic, members] : by_topic) {
    const MetricSummary metrics = estimate_metrics(members, by_topic, options.undefined);
    summary.topics.push_back({topic, static_cast<int64_t>(members.size()), undefined_of(metrics), metrics});
  }
  summary.micro = estimate_metrics(all, by_topic, options.undefined);
  summary.macro = average_topics(summary.topics, metrics_of(all));
  summary.questions = static_cast<int64_t>(questions.size());
  summary.undefined = undefined_of(summary.micro);
  if (options.draws > 0 && !questions.empty()) {
    summary.draws = options.draws;
    summary.seed = options.seed;
    bootstrap_micro(by_topic, metrics_of(all), options, summary);
  }
  summary.micro_length = parts_through_length(by_topic, options.undefined, Weights::kQuestions);
  summary.macro_length = parts_through_length(by_topic, options.undefined, Weights::kTopics);
  return summary;
}

Summary summarize(const Run& run) {
  Summary summary = summarize(run.questions, {.undefined = run.options.undefined});
  summary.scores = score_table(run);
  return summary;
}

}  // namespace hre
