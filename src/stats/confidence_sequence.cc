#include "stats/confidence_sequence.h"

#include <algorithm>
#include <cmath>

namespace hre {
namespace {

// No bet puts more than this share of the capital at risk.
constexpr double kLargestStake = 0.75;

// log of prod(1 + min(bet, stake / m) (value - m)): what betting on values above m has made of a capital of 1.
// It falls as m rises. Eight factors are multiplied before a logarithm is taken.
template <class ValueAt>
double log_capital(const std::vector<double>& bets, double m, ValueAt value_at) {
  const double largest = kLargestStake / m;
  double logarithm = 0;
  double product = 1;
  for (size_t i = 0; i < bets.size(); ++i) {
    product *= 1 + std::min(bets[i], largest) * (value_at(i) - m);
    if (i % 8 == 7) {
      logarithm += std::log(product);
      product = 1;
    }
  }
  return logarithm + std::log(product);
}

// The largest m >= known (which is excluded) that a bet on values above it excludes.
template <class ValueAt>
double raise_bound(double known, const std::vector<double>& bets, double threshold, ValueAt value_at) {
  constexpr double kPrecision = 1e-9;
  const auto excluded = [&](double m) { return log_capital(bets, m, value_at) >= threshold; };
  if (!excluded(known + kPrecision)) return known;
  double low = known + kPrecision;
  double high = 1;
  while (high - low > kPrecision) {
    const double middle = (low + high) / 2;
    (excluded(middle) ? low : high) = middle;
  }
  return low;
}

}  // namespace

ConfidenceSequence::ConfidenceSequence(double low, double high, double alpha)
    : low_(low), high_(high), log_threshold_(std::log(2 / alpha)) {}

void ConfidenceSequence::add(double value) {
  // The bet comes from the values before this one, with 1/2 and 1/4 for the mean and variance of none.
  const auto n = static_cast<double>(values_.size());
  const double variance = (0.25 + squares_) / (n + 1);
  bets_.push_back(std::sqrt(2 * log_threshold_ / (variance * (n + 1) * std::log(n + 2))));

  const double scaled = std::clamp((value - low_) / (high_ - low_), 0.0, 1.0);
  values_.push_back(scaled);
  sum_ += scaled;
  const double mean = (0.5 + sum_) / (n + 2);
  squares_ += (scaled - mean) * (scaled - mean);
}

Interval ConfidenceSequence::look() {
  const double below = raise_bound(seen_.low, bets_, log_threshold_, [&](size_t i) { return values_[i]; });
  const double above = raise_bound(1 - seen_.high, bets_, log_threshold_, [&](size_t i) { return 1 - values_[i]; });
  seen_.low = std::min(below, seen_.high);
  seen_.high = std::max(1 - above, seen_.low);
  const double range = high_ - low_;
  return {low_ + seen_.low * range, low_ + seen_.high * range};
}

}  // namespace hre
