#pragma once
/// Means with their uncertainty: plain values.
///
/// An example, which the tests run:
///
///   hre::Estimate estimate;
///   estimate.mean = 0.12;
///   std::printf("%.2f\n", *estimate.mean);  // prints: 0.12

#include <cstdint>
#include <optional>

namespace hre {

/// A mean with its uncertainty.
struct Estimate {
  int64_t n = 0;                  ///< values used: questions, or for the macro mean topics
  int64_t undefined = 0;          ///< without a value: left out, or counted as the policy says
  std::optional<double> mean;     ///< nothing for n = 0
  std::optional<double> stderr_;  ///< sample standard deviation / sqrt(n); nothing for n < 2
  std::optional<double> chance;   ///< the mean that scores would have that say nothing of the votes
  /// 95 %, Student's t, which may reach past the metric's own range; exact (Clopper and Pearson) where every value lies
  /// at an end of that range, as of Top-1. Nothing where all values are equal: they tell nothing of their spread.
  std::optional<double> ci_low, ci_high;
  /// 95 %, topic-stratified bootstrap over questions (BCa); of micro means alone.
  std::optional<double> bootstrap_low, bootstrap_high;
};

/// An item that was measured several times (epochs, seeds).
struct Repeats {
  int64_t n = 0;        ///< measurements
  double variance = 0;  ///< theirs, of the sample, divided by n - 1; 0 for n < 2
};

}  // namespace hre
