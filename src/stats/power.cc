#include "stats/power.h"

#include <algorithm>
#include <cmath>

#include "stats/bootstrap.h"
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

std::optional<Interval> effect_interval(std::span<const double> differences, std::span<const size_t> sizes,
                                        Weights weights) {
  const size_t n = differences.size(), all[] = {n};
  if (n < kFewestForEffect) return std::nullopt;
  const std::span<const size_t> groups = weights == Weights::kQuestions ? std::span<const size_t>(all) : sizes;
  if (planned_degrees(groups, weights) < kFewestDegreesForEffect) return std::nullopt;
  const std::vector<double> pulls = influence(differences, groups, weights);
  double variance = 0, fourths = 0;  // of the mean
  for (const double pull : pulls) {
    variance += pull * pull;
    fourths += std::pow(pull, 4);
  }
  if (!(variance > 0)) return std::nullopt;
  const double count = static_cast<double>(n), spread = std::sqrt(count * variance);
  const double effect = weighted_mean(differences, groups, weights) / spread;
  const Strata strata = strata_of(groups, weights);
  double squares = 0;
  for_each_topic(strata.sizes, [&](size_t, size_t begin, size_t members) {
    const auto questions = std::span(strata.order).subspan(begin, members);
    double own = 0;  // of the variance, each question's share
    for (const size_t i : questions) own += pulls[i] * pulls[i] / static_cast<double>(members);
    const double stretch =
        std::sqrt(static_cast<double>(members) / static_cast<double>(std::max<size_t>(members, 2) - 1));
    for (const size_t i : questions) {
      const double of_variance = stretch * (pulls[i] * pulls[i] - own);
      squares += std::pow(pulls[i] / spread - effect / (2 * variance) * of_variance, 2);
    }
  });
  const double kurtosis = count * fourths / (variance * variance);
  const double degrees = kurtosis > 1 ? std::min(count - 1, 2 * count / (kurtosis - 1)) : count - 1;
  const double reach = student_t_quantile(0.975, degrees) * std::sqrt(squares);
  return Interval{effect - reach, effect + reach};
}

QuestionsForEffect questions_for_effect(double effect, const Interval& interval, const TestLevels& levels) {
  QuestionsForEffect result{questions_needed(effect, levels),
                            questions_needed(std::max(std::abs(interval.low), std::abs(interval.high)), levels),
                            {}};
  if (!interval.contains(0)) {
    result.high = questions_needed(std::min(std::abs(interval.low), std::abs(interval.high)), levels);
  }
  return result;
}

std::vector<DetectionPoint> detection_curve(double effect, const Interval& interval, std::span<const int64_t> counts,
                                            double alpha) {
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
