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
/// (correlations are skewed: around a mean of 0.5 that of ten holds the truth in 91 % of the cases, of twenty in 92.4
/// %, of thirty in 93.2 %), nor where all values are equal: they tell nothing of their spread. `undefined` is passed
/// through.
Estimate mean_estimate(std::span<const double> values, std::optional<Interval> range = {}, int64_t undefined = 0);

constexpr int64_t kFewestForInterval = 30;

/// Whether the sizes promise as many degrees of freedom as so many questions of one topic have. An interval that looked
/// at the degrees of freedom of the values themselves instead would be shown where a small topic's values happen to be
/// alike, and hold the truth less often.
bool enough_for_interval(std::span<const size_t> sizes, Weights weights);

/// Whether every value lies at an end of the range.
bool at_ends(std::span<const double> values, const Interval& range);

/// The mean of the strata's means, each stratum weighing the same: stderr = sqrt(sum se_t^2) / T, the interval
/// by Student's t with the Welch-Satterthwaite degrees of freedom, (sum se_t^2)^2 / sum(se_t^4 / (n_t - 1)).
/// n counts strata with a mean, `undefined` those without. Strata of a single value take their error from the spread
/// among themselves (what sets them apart counts as error, which makes it larger); no error where there is one alone,
/// no interval unless enough_for_interval.
Estimate mean_of_means(std::span<const Estimate> strata);

/// The mean of the newer strata's means less that of as many older ones, whose questions are others: Welch's interval
/// (Biometrika 34, 1947). n counts the questions of both.
Estimate difference_of_means(std::span<const Estimate> newer, std::span<const Estimate> older);

/// The mean over questions, or over topics, of values topic after topic.
Estimate weighted_estimate(std::span<const double> values, std::span<const size_t> sizes, Weights weights);

}  // namespace hre
