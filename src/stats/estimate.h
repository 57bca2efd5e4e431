#pragma once
/// The folder src/stats: numbers in, numbers out: correlations, intervals, paired comparisons, power, confidence
/// sequences.
///
/// Not here: runs, questions without a value, names of metrics (src/analysis), and text (src/report).
/// Types:    `Estimate` is a mean with its uncertainty; `PairedComparison` two runs' values; `BootstrapDraws` resampled
///           means; `Interval` any interval.
/// Owners:   nothing: functions of their arguments. `ConfidenceSequence` keeps what it was given.
/// Threads:  pure; what is drawn is split by `in_chunks`, and depends on the seed, not on the number of threads.
/// To add:   a statistic: a header with its formula's source, a test against a second way of computing it, a row in
///           simulation_test.cc.

/// Means with their uncertainty.

#include <cstdint>
#include <optional>
#include <span>

#include "hre/estimate.h"
#include "stats/grouped.h"

namespace hre {

struct Moments {
  int64_t n = 0;
  double mean = 0;      ///< 0 for n = 0
  double variance = 0;  ///< of the sample, divided by n - 1; 0 for n < 2
};

/// Mean and variance in two passes; exact under huge offsets. Values are finite.
Moments moments(std::span<const double> values);

/// A quantile, 0 <= p <= 1, of values in order (at least one), with linear interpolation between neighbours.
double quantile_of_sorted(std::span<const double> sorted, double p);

/// The mean, its standard error s / sqrt(n), and a 95 % interval: mean +- t(0.975, n - 1) stderr, or, where every value
/// lies at one of the two ends of `range`, Clopper and Pearson's exact one (Biometrika 26, 1934), which holds for any
/// n. No mean for n = 0, no error for n < 2, no Student's interval for n < kFewestForInterval, where it is too narrow
/// (correlations are skewed: of five around a mean of 0.5 it holds the truth in 88 % of the cases, of ten in 91 %), nor
/// where all values are equal: they tell nothing of their spread. `undefined` is passed through.
Estimate mean_estimate(std::span<const double> values, std::optional<Interval> range = {}, int64_t undefined = 0);

constexpr int64_t kFewestForInterval = 20;

/// Whether every value lies at an end of the range.
bool at_ends(std::span<const double> values, const Interval& range);

/// The mean of the strata's means, each stratum weighing the same: stderr = sqrt(sum se_t^2) / T, the interval
/// by Student's t with the Welch-Satterthwaite degrees of freedom, (sum se_t^2)^2 / sum(se_t^4 / (n_t - 1)).
/// n counts strata with a mean, `undefined` those without. Strata of a single value take their error from the spread
/// among themselves (what sets them apart counts as error, which makes it larger); no error where there is one alone,
/// no interval of fewer than kFewestForInterval values in all.
Estimate mean_of_means(std::span<const Estimate> strata);

/// The mean over questions, or over topics, of values topic after topic.
Estimate weighted_estimate(std::span<const double> values, std::span<const size_t> sizes, Weights weights);

}  // namespace hre
