#include "stats/metric.h"

#include <vector>

#include "core/text.h"

namespace hre {
namespace {

using Q = QuestionMetrics;
using S = MetricSummary;

constexpr Metric kMetrics[] = {
    {"pearson", "Pearson", &Q::pearson, &S::pearson, 0, {-1, 1}, true},
    {"length_only", "Length only", &Q::length_only, &S::length_only, 0, {-1, 1}, false},
    {"given_length", "Given length", &Q::given_length, &S::given_length, 0, {-1, 1}, true},
    {"spearman", "Spearman", &Q::spearman, &S::spearman, 0, {-1, 1}, true},
    {"kendall", "Kendall tau-b", &Q::kendall, &S::kendall, 0, {-1, 1}, true},
    {"pairwise_accuracy", "Pairwise accuracy", &Q::pairwise_accuracy, &S::pairwise_accuracy, 0.5, {0, 1}, true},
    {"top_one", "Top-1", &Q::top_one, &S::top_one, 0, {0, 1}, true},
    {"ndcg", "NDCG", &Q::ndcg, &S::ndcg, 0, {0, 1}, true},
    {"through_length", "Through length", &Q::through_length, &S::through_length, 0, {-1, 1}, false},
};
constexpr size_t kShown = 8;

}  // namespace

std::span<const Metric> all_metrics() { return kMetrics; }

std::span<const Metric> shown_metrics() { return std::span(kMetrics).first(kShown); }

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
  return input_error("there is no metric '" + std::string(name) + "'", "--metric",
                     nearest ? "did you mean " + *nearest + "?" : "there are " + join(names));
}

}  // namespace hre
