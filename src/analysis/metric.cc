#include "analysis/metric.h"

#include <cmath>
#include <vector>

#include "core/text.h"

namespace hre {
namespace {

using Q = QuestionMetrics;
using S = MetricSummary;

constexpr Metric kMetrics[] = {
    {"pearson", "Pearson", &Q::pearson, &S::pearson, 0, {-1, 1}, true},
    {"length_only", "Length only", &Q::length_only, &S::length_only, 0, {-1, 1}, false},
    {"pearson_log", "Pearson, log votes", &Q::pearson_log, &S::pearson_log, 0, {-1, 1}, true},
    {"pearson_ranks", "Pearson, ranked votes", &Q::pearson_ranks, &S::pearson_ranks, 0, {-1, 1}, true},
    {"spearman", "Spearman", &Q::spearman, &S::spearman, 0, {-1, 1}, true},
    {"kendall", "Kendall tau-b", &Q::kendall, &S::kendall, 0, {-1, 1}, true},
    {"pairwise_accuracy", "Pairwise accuracy", &Q::pairwise_accuracy, &S::pairwise_accuracy, 0.5, {0, 1}, true},
    {"top_one", "Top-1", &Q::top_one, &S::top_one, 0, {0, 1}, true, &Q::top_one_chance},
    {"ndcg", "NDCG", &Q::ndcg, &S::ndcg, 0, {0, 1}, true, &Q::ndcg_chance},
};

}  // namespace

std::optional<double> chance_level(std::span<const QuestionResult* const> questions, const Metric& metric) {
  if (!metric.chance_of_question) return metric.chance;
  double sum = 0;
  int64_t n = 0;
  for (const QuestionResult* question : questions) {
    const std::optional<double> chance = metric.chance_for(question->metrics);
    if (!chance && question->metrics.*metric.of_question) return std::nullopt;
    if (!chance) continue;
    sum += *chance;
    ++n;
  }
  return n == 0 ? std::nullopt : std::optional(sum / static_cast<double>(n));
}

std::optional<double> chance_of(const QuestionResult& question, const Metric& metric, std::optional<double> others) {
  const std::optional<double> own = metric.chance_for(question.metrics);
  return own ? own : others;
}

std::optional<double> value_under(UndefinedPolicy policy, const QuestionResult& question, const Metric& metric,
                                  std::optional<double> others) {
  const std::optional<double> value = question.metrics.*metric.of_question;
  if (value && std::isfinite(*value)) return value;
  return policy == UndefinedPolicy::kZero ? chance_of(question, metric, others) : std::nullopt;
}

std::span<const Metric> all_metrics() { return kMetrics; }

Result<const Metric*> find_metric(std::string_view name) {
  std::vector<std::string> names;
  for (const Metric& metric : all_metrics()) {
    if (!metric.of_model) continue;
    if (name == metric.name || (name == "pairwise" && std::string_view(metric.name) == "pairwise_accuracy")) {
      return &metric;
    }
    names.emplace_back(metric.name);
  }
  const auto nearest = nearest_name(name, names);
  return input_error("there is no metric '" + std::string(name) + "'", "‹metric›",
                     nearest ? "did you mean " + *nearest + "?" : "there are " + join(names));
}

}  // namespace hre
