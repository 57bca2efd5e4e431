#include "stats/power.h"

#include <algorithm>
#include <cmath>

#include "stats/correlation.h"
#include "stats/distributions.h"
#include "stats/parallel.h"
#include "stats/random.h"

namespace hre {
namespace {

// The t beyond which a two-sided test of n questions rejects.
double critical_t(int64_t n, double alpha) { return student_t_quantile(1 - alpha / 2, static_cast<double>(n - 1)); }

// Running mean and sum of squares (Welford).
struct Running {
  int64_t n = 0;
  double mean = 0;
  double squares = 0;

  void add(double value) {
    ++n;
    const double before = value - mean;
    mean += before / static_cast<double>(n);
    squares += before * (value - mean);
  }
  [[nodiscard]] double t() const {
    const auto count = static_cast<double>(n);
    return mean / std::sqrt(squares / (count - 1) / count);  // infinite without spread, NaN for zeros alone
  }
};

// One repeat: the test after each of the counts along one sequence of questions.
void add_repeat(std::span<const double> differences, std::span<const double> critical, RandomStream random,
                std::vector<DetectionPoint>& curve) {
  Running sample;
  for (size_t k = 0; k < curve.size(); ++k) {
    while (sample.n < curve[k].n) sample.add(differences[random.below(differences.size())]);
    if (sample.n < 2) continue;
    const double t = sample.t();
    curve[k].rate += t > critical[k] ? 1 : 0;
    curve[k].opposite += t < -critical[k] ? 1 : 0;
  }
}

std::vector<DetectionPoint> empty_curve(std::span<const int64_t> counts) {
  std::vector<DetectionPoint> curve(counts.size());
  for (size_t k = 0; k < counts.size(); ++k) curve[k].n = counts[k];
  return curve;
}

}  // namespace

double paired_power(double effect, int64_t n, double alpha) {
  if (n < 2) return 0;
  const auto df = static_cast<double>(n - 1);
  const double critical = critical_t(n, alpha);
  const double shift = std::abs(effect) * std::sqrt(static_cast<double>(n));
  return 1 - noncentral_t_cdf(critical, df, shift) + noncentral_t_cdf(-critical, df, shift);
}

std::optional<double> detectable_effect(int64_t n, const TestLevels& levels) {
  if (n < 2) return std::nullopt;
  double low = 0;
  double high = 1;
  while (paired_power(high, n, levels.alpha) < levels.power) high *= 2;
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

std::vector<DetectionPoint> detection_curve(std::span<const double> differences, std::span<const int64_t> counts,
                                            const DetectionOptions& options) {
  std::vector<DetectionPoint> curve = empty_curve(counts);
  if (differences.empty() || options.repeats <= 0) return curve;
  std::vector<double> critical;
  for (const int64_t n : counts) critical.push_back(n < 2 ? 0 : critical_t(n, options.alpha));

  // Counts are whole numbers, so that adding up chunks in any order gives the same sums.
  std::vector<std::vector<DetectionPoint>> repeats(static_cast<size_t>(options.repeats));
  in_chunks(repeats.size(), options.threads, [&](size_t begin, size_t end) {
    for (size_t i = begin; i < end; ++i) {
      repeats[i] = empty_curve(counts);
      add_repeat(differences, critical, RandomStream(options.seed, RandomPurpose::kSubsamples, i), repeats[i]);
    }
  });
  for (const auto& repeat : repeats) {
    for (size_t k = 0; k < curve.size(); ++k) {
      curve[k].rate += repeat[k].rate / options.repeats;
      curve[k].opposite += repeat[k].opposite / options.repeats;
    }
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

std::optional<double> questions_for_rate(std::span<const DetectionPoint> curve, double rate) {
  size_t first = curve.size();
  while (first > 0 && curve[first - 1].rate >= rate) --first;
  if (first == curve.size()) return std::nullopt;
  const DetectionPoint& reached = curve[first];
  if (first == 0) return static_cast<double>(reached.n);
  const DetectionPoint& before = curve[first - 1];
  const double part = (rate - before.rate) / (reached.rate - before.rate);
  return static_cast<double>(before.n) + part * static_cast<double>(reached.n - before.n);
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
