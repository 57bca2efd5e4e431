#pragma once
/// A straight line through points.

#include <optional>
#include <span>

#include "stats/grouped.h"

namespace hre {

/// y = intercept + slope x, with the least sum of squared deviations in y.
struct LeastSquares {
  double intercept = 0, slope = 0;
  double mean_x = 0, sum_xx = 0;  ///< of x, and of its squared deviations
  double error = 0;               ///< standard deviation of y around the line, over n - 2
  double n = 0;

  [[nodiscard]] double at(double x) const { return intercept + slope * x; }
  /// 95 % for the line at x, by Student's t with n - 2 degrees of freedom: for deviations that are normal and equally
  /// wide everywhere.
  [[nodiscard]] Interval interval(double x) const;
};

/// Nothing for fewer than three points, or where all x are equal. x and y are equally long.
std::optional<LeastSquares> least_squares(std::span<const double> x, std::span<const double> y);

}  // namespace hre
