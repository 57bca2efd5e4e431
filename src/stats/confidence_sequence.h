#pragma once
/// Stopping early: an interval for a mean that may be looked at as often as one likes.

#include <vector>

#include "stats/grouped.h"

namespace hre {

/// A confidence sequence for the mean of values in [low, high]: with probability 1 - alpha, every look holds the mean.
/// It bets on the values against each candidate mean and excludes those against which the capital reaches 2 / alpha on
/// one side (Waudby-Smith and Ramdas, "Estimating means of bounded random variables by betting", JRSS B 86, 2024:
/// the hedged capital process with predictable plug-in bets). Valid where each value has the same mean given those
/// before it: questions in random turns of topics (stopping.h). Not thread-safe.
class ConfidenceSequence {
 public:
  ConfidenceSequence(double low, double high, double alpha = 0.05);
  /// A value in [low, high]; others are taken for the nearer bound.
  void add(double value);
  /// The intersection of all looks up to this one. Costs O(values so far); looking less often costs width, not
  /// validity.
  Interval look();
  [[nodiscard]] size_t count() const { return values_.size(); }

 private:
  double low_;
  double high_;
  double log_threshold_;
  std::vector<double> values_;  // scaled to [0, 1]
  std::vector<double> bets_;    // each chosen before its value
  double sum_ = 0;
  double squares_ = 0;
  Interval seen_{0, 1};
};

}  // namespace hre
