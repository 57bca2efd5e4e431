#include "stats/estimate.h"

#include <algorithm>
#include <cmath>
#include <optional>
#include <vector>

#include "stats/correlation.h"
#include "stats/distributions.h"

namespace hre {
namespace {

void set_interval(Estimate& estimate, double degrees_of_freedom) {
  const double half_width = *estimate.stderr_ * student_t_quantile(0.975, degrees_of_freedom);
  estimate.ci_low = *estimate.mean - half_width;
  estimate.ci_high = *estimate.mean + half_width;
}

// Of a share k / n, scaled to the range.
void set_exact_interval(Estimate& estimate, int64_t k, const Interval& range) {
  const auto n = static_cast<double>(estimate.n), successes = static_cast<double>(k);
  const double low = k == 0 ? 0 : beta_quantile(0.025, successes, n - successes + 1);
  const double high = k == estimate.n ? 1 : beta_quantile(0.975, successes + 1, n - successes);
  estimate.ci_low = range.low + low * range.width();
  estimate.ci_high = range.low + high * range.width();
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

double quantile_of_sorted(std::span<const double> sorted, double p) {
  const double place = p * static_cast<double>(sorted.size() - 1);
  const auto below = std::min(static_cast<size_t>(place), sorted.size() - 1);
  const size_t above = std::min(below + 1, sorted.size() - 1);
  return sorted[below] + (place - static_cast<double>(below)) * (sorted[above] - sorted[below]);
}

bool at_ends(std::span<const double> values, const Interval& range) {
  return std::ranges::all_of(values, [&](double v) { return v == range.low || v == range.high; });
}

Estimate mean_estimate(std::span<const double> values, std::optional<Interval> range, int64_t undefined) {
  const Moments m = moments(values);
  Estimate estimate;
  estimate.n = m.n;
  estimate.undefined = undefined;
  if (m.n > 0) estimate.mean = m.mean;
  if (m.n < 2) return estimate;
  estimate.stderr_ = std::sqrt(m.variance / static_cast<double>(m.n));
  if (range && at_ends(values, *range)) {
    set_exact_interval(estimate, std::ranges::count(values, range->high), *range);
  } else if (m.n >= kFewestForInterval && !is_constant(values)) {
    set_interval(estimate, static_cast<double>(m.n - 1));
  }
  return estimate;
}

bool enough_for_interval(std::span<const size_t> sizes, Weights weights) {
  constexpr double kRounding = 1e-9;
  return planned_degrees(sizes, weights) >= static_cast<double>(kFewestForInterval - 1) - kRounding;
}

Estimate mean_of_means(std::span<const Estimate> strata) {
  Estimate estimate;
  double sum = 0;
  double sum_squares = 0;
  double sum_fourth_by_df = 0;
  std::vector<size_t> sizes;
  std::vector<double> singles;
  for (const Estimate& stratum : strata) {
    if (!stratum.mean) {
      ++estimate.undefined;
      continue;
    }
    ++estimate.n;
    sizes.push_back(static_cast<size_t>(stratum.n));
    sum += *stratum.mean;
    if (!stratum.stderr_) {
      singles.push_back(*stratum.mean);
      continue;
    }
    const double square = std::pow(*stratum.stderr_, 2);
    sum_squares += square;
    if (stratum.n > 1) sum_fourth_by_df += square * square / static_cast<double>(stratum.n - 1);
  }
  if (estimate.n == 0) return estimate;
  estimate.mean = sum / static_cast<double>(estimate.n);
  if (singles.size() == 1) return estimate;
  if (!singles.empty()) {
    const auto n = static_cast<double>(singles.size());
    const double variance_of_sum = n * moments(singles).variance;
    sum_squares += variance_of_sum;
    sum_fourth_by_df += variance_of_sum * variance_of_sum / (n - 1);
  }
  estimate.stderr_ = std::sqrt(sum_squares) / static_cast<double>(estimate.n);
  if (enough_for_interval(sizes, Weights::kTopics) && sum_squares > 0) {
    set_interval(estimate, sum_squares * sum_squares / sum_fourth_by_df);
  }
  return estimate;
}

// The mean of n values and of n others taken off is half of their difference.
Estimate difference_of_means(std::span<const Estimate> newer, std::span<const Estimate> older) {
  std::vector<Estimate> strata(newer.begin(), newer.end());
  for (Estimate one : older) {
    if (one.mean) one.mean = -*one.mean;
    strata.push_back(one);
  }
  Estimate difference = mean_of_means(strata);
  difference.n = 0;
  for (const Estimate& one : strata) difference.n += one.n;
  for (auto* value : {&difference.mean, &difference.stderr_, &difference.ci_low, &difference.ci_high}) {
    if (*value) **value *= 2;
  }
  return difference;
}

Estimate weighted_estimate(std::span<const double> values, std::span<const size_t> sizes, Weights weights) {
  if (weights == Weights::kQuestions) return mean_estimate(values);
  std::vector<Estimate> topics;
  for_each_topic(sizes,
                 [&](size_t, size_t begin, size_t n) { topics.push_back(mean_estimate(values.subspan(begin, n))); });
  return mean_of_means(topics);
}

}  // namespace hre
