#include "analysis/metric.h"

#include <algorithm>
#include <cmath>
#include <vector>

#include "core/text.h"

namespace hre {
namespace {

using Q = QuestionMetrics;
using S = MetricSummary;

constexpr Interval kCorrelation{-1, 1}, kShare{0, 1};

constexpr Metric kMetrics[] = {
    {"pearson", "Pearson", &Q::pearson, &S::pearson, 0, kCorrelation, true},
    {"length_only", "Length only", &Q::length_only, &S::length_only, 0, kCorrelation, false},
    {"pearson_log", "Pearson, log votes", &Q::pearson_log, &S::pearson_log, 0, kCorrelation, true},
    {"pearson_ranks", "Pearson, ranked votes", &Q::pearson_ranks, &S::pearson_ranks, 0, kCorrelation, true},
    {"spearman", "Spearman", &Q::spearman, &S::spearman, 0, kCorrelation, true},
    {"kendall", "Kendall tau-b", &Q::kendall, &S::kendall, 0, kCorrelation, true},
    {"pairwise_accuracy", "Pairwise accuracy", &Q::pairwise_accuracy, &S::pairwise_accuracy, 0.5, kShare, true},
    {"top_one", "Top-1", &Q::top_one, &S::top_one, 0, kShare, true, &Q::top_one_chance},
    {"ndcg", "NDCG", &Q::ndcg, &S::ndcg, 0, kShare, true, &Q::ndcg_chance},
    {"margin", "Margin", &Q::margin, &S::margin, 0, {}, true},
    {"bits_per_byte", "Bits per byte", &Q::bits_per_byte, &S::bits_per_byte, {}, {}, true, nullptr, true},
    {"bits_best", "Bits per byte, best", &Q::bits_best, &S::bits_best, {}, {}, true, nullptr, true},
    {"bits_worst", "Bits per byte, worst", &Q::bits_worst, &S::bits_worst, {}, {}, true, nullptr, true},
    {"bits_gap", "Bits per byte, worst - best", &Q::bits_gap, &S::bits_gap, 0, {}, true},
};

constexpr Metric kDated[] = {
    {"later_wins",
     "Pairs that the later wins",
     &Q::later_wins,
     &S::later_wins,
     {},
     kShare,
     true,
     &Q::later_wins_chance},
    {"earlier_wins",
     "Pairs that the earlier wins",
     &Q::earlier_wins,
     &S::earlier_wins,
     {},
     kShare,
     true,
     &Q::earlier_wins_chance},
};

constexpr Metric kItem = {"item", "Value", &Q::item, &S::item, {}, {}, true};

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
  const bool is_dated = std::ranges::any_of(kDated, [&](const Metric& dated) { return &dated == &metric; });
  if (is_dated) return std::nullopt;  // the question has no such pair, whatever the model
  return policy == UndefinedPolicy::kZero ? chance_of(question, metric, others) : std::nullopt;
}

tl::unexpected<Error> unbounded_error(const Metric& metric) {
  return input_error(std::string(metric.name) + " has no bounds, which stopping early needs", "‹until›",
                     "choose a metric with bounds, such as pearson");
}

void set_metric(const Metric& metric, std::span<const std::vector<double>> values, ComparisonOptions& statistics) {
  statistics.lower_is_better = metric.lower_is_better;
  statistics.range = metric.range ? metric.range->width() : 0;
  const auto is_share = [](double value) { return kShare.low <= value && value <= kShare.high; };
  const bool shares = &metric == &kItem && std::ranges::all_of(values, [&](const auto& of_run) {
    return std::ranges::all_of(of_run, is_share);
  });
  if (shares) statistics.range = kShare.width();
}

std::span<const Metric> all_metrics() { return kMetrics; }

std::span<const Metric> dated_metrics() { return kDated; }

std::vector<const Metric*> metrics_of(const MetricSummary& summary) {
  std::vector<const Metric*> metrics;
  for (const Metric& metric : kMetrics) metrics.push_back(&metric);
  for (const Metric& metric : kDated) {
    if ((summary.*metric.of_summary).mean) metrics.push_back(&metric);
  }
  return metrics;
}

const Metric& item_metric() { return kItem; }

std::span<const Metric> metrics_of(const Run& run) {
  return run.item_metric.empty() ? all_metrics() : std::span(&kItem, 1);
}

std::span<const Metric> bits_metrics() { return all_metrics().last(4); }

Result<const Metric*> find_metric(std::string_view name) {
  std::vector<std::string> names;
  for (const std::span<const Metric> metrics : {all_metrics(), dated_metrics()}) {
    for (const Metric& metric : metrics) {
      if (!metric.of_model) continue;
      if (name == metric.name || (name == "pairwise" && std::string_view(metric.name) == "pairwise_accuracy")) {
        return &metric;
      }
      names.emplace_back(metric.name);
    }
  }
  const auto nearest = nearest_name(name, names);
  return input_error("there is no metric '" + std::string(name) + "'", "‹metric›",
                     nearest ? "did you mean " + *nearest + "?" : "there are " + join(names));
}

}  // namespace hre
