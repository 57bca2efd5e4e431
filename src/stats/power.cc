#include "stats/power.h"

#include <algorithm>
#include <cmath>

#include "stats/correlation.h"
#include "stats/distributions.h"

namespace hre {
namespace {

// The t beyond which a two-sided test of n questions rejects.
double critical_t(int64_t n, double alpha) { return student_t_quantile(1 - alpha / 2, static_cast<double>(n - 1)); }

// The chance that a test of n questions finds A better.
double upper_power(double effect, int64_t n, double alpha) {
  if (n < 2) return 0;
  const double shift = effect * std::sqrt(static_cast<double>(n));
  return 1 - noncentral_t_cdf(critical_t(n, alpha), static_cast<double>(n - 1), shift);
}

}  // namespace

double paired_power(double effect, int64_t n, double alpha) {
  return upper_power(std::abs(effect), n, alpha) + upper_power(-std::abs(effect), n, alpha);
}

std::optional<double> detectable_effect(int64_t n, const TestLevels& levels) {
  if (n < 2) return std::nullopt;
  double low = 0;
  double high = 1;
  constexpr double kLargest = 1e100;
  while (high < kLargest && paired_power(high, n, levels.alpha) < levels.power) high *= 2;
  if (high >= kLargest) return std::nullopt;
  for (int step = 0; step < 60; ++step) {
    const double middle = (low + high) / 2;
    (paired_power(middle, n, levels.alpha) < levels.power ? low : high) = middle;
  }
  return high;
}

std::optional<int64_t> questions_needed(double effect, const TestLevels& levels) {
  constexpr int64_t kMost = 1'000'000'000'000;
  int64_t low = 1;  // too few
  int64_t high = 2;
  while (high < kMost && paired_power(effect, high, levels.alpha) < levels.power) {
    low = high;
    high *= 2;
  }
  if (high >= kMost) return std::nullopt;
  while (high - low > 1) {
    const int64_t middle = low + (high - low) / 2;
    (paired_power(effect, middle, levels.alpha) < levels.power ? low : high) = middle;
  }
  return high;
}

double paired_deviation(double deviation_a, double deviation_b, double correlation) {
  const double variance =
      deviation_a * deviation_a + deviation_b * deviation_b - 2 * correlation * deviation_a * deviation_b;
  return std::sqrt(std::max(variance, 0.0));
}

std::optional<Interval> effect_interval(double effect, int64_t n) {
  if (n < 2) return std::nullopt;
  const auto df = static_cast<double>(n - 1);
  const double root = std::sqrt(static_cast<double>(n)), t = effect * root;
  // The noncentrality under which a t as small as the one seen has chance p; it falls as noncentrality rises.
  const auto shift_for = [&](double p) {
    const double reach = 12 * std::sqrt(1 + t * t / (2 * df));
    double low = t - reach, high = t + reach;
    for (int step = 0; step < 60; ++step) {
      const double middle = (low + high) / 2;
      (noncentral_t_cdf(t, df, middle) > p ? low : high) = middle;
    }
    return (low + high) / 2;
  };
  return Interval{shift_for(0.975) / root, shift_for(0.025) / root};
}

QuestionsForEffect questions_for_effect(double effect, int64_t n, const TestLevels& levels) {
  const auto interval = effect_interval(effect, n);
  if (!interval) return {};
  QuestionsForEffect result{questions_needed(effect, levels),
                            questions_needed(std::max(std::abs(interval->low), std::abs(interval->high)), levels),
                            {}};
  if (!interval->contains(0)) {
    result.high = questions_needed(std::min(std::abs(interval->low), std::abs(interval->high)), levels);
  }
  return result;
}

std::vector<DetectionPoint> detection_curve(double effect, int64_t n_seen, std::span<const int64_t> counts,
                                            double alpha) {
  const Interval interval = effect_interval(effect, n_seen).value_or(Interval{effect, effect});
  std::vector<DetectionPoint> curve;
  for (const int64_t n : counts) {
    curve.push_back({n,
                     upper_power(effect, n, alpha),
                     upper_power(-effect, n, alpha),
                     {upper_power(interval.low, n, alpha), upper_power(interval.high, n, alpha)}});
  }
  return curve;
}

std::vector<int64_t> detection_counts(int64_t n) {
  std::vector<int64_t> counts;
  for (int64_t decade = 10; decade < n; decade *= 10) {
    for (const int64_t step : {1, 2, 5}) {
      if (decade * step < n) counts.push_back(decade * step);
    }
  }
  if (n > 0) counts.push_back(n);
  return counts;
}

std::optional<Auc> area_under_curve(std::span<const double> low, std::span<const double> high,
                                    const PermutationOptions& options) {
  std::vector<double> pooled(low.begin(), low.end());
  pooled.insert(pooled.end(), high.begin(), high.end());
  const bool has_nan = std::ranges::any_of(pooled, [](double value) { return std::isnan(value); });
  if (low.empty() || high.empty() || has_nan) return std::nullopt;
  const std::vector<double> ranks = average_ranks(pooled);
  const auto ranks_of_low = std::span(ranks).first(low.size());
  const auto ranks_of_high = std::span(ranks).subspan(low.size());
  const auto n = static_cast<double>(high.size());
  double sum = 0;
  for (const double rank : ranks_of_high) sum += rank;
  return Auc{(sum - n * (n + 1) / 2) / (n * static_cast<double>(low.size())),
             *two_groups_p(ranks_of_high, ranks_of_low, options)};
}

}  // namespace hre
