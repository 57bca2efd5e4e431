#pragma once
/// Means with their uncertainty. summarize() itself is declared in hre/run.h.

#include <cstdint>
#include <optional>
#include <span>

#include "hre/run.h"

namespace hre {

struct Moments {
  int64_t n = 0;
  double mean = 0;      ///< 0 for n = 0
  double variance = 0;  ///< of the sample, divided by n - 1; 0 for n < 2
};

/// Mean and variance in two passes; exact under huge offsets. Values are finite.
Moments moments(std::span<const double> values);

/// The mean, its standard error s / sqrt(n), and the 95 % interval mean +- t(0.975, n - 1) stderr.
/// No mean for n = 0, no error and no interval for n < 2. `undefined` is passed through.
Estimate mean_estimate(std::span<const double> values, int64_t undefined = 0);

/// The mean of the strata's means, each stratum weighing the same: stderr = sqrt(sum se_t^2) / T, the interval
/// by Student's t with the Welch-Satterthwaite degrees of freedom, (sum se_t^2)^2 / sum(se_t^4 / (n_t - 1)).
/// n counts strata with a mean, `undefined` those without. No error where one of them has a single value.
Estimate mean_of_means(std::span<const Estimate> strata);

}  // namespace hre
