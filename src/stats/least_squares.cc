#include "stats/least_squares.h"

#include <cmath>

#include "stats/distributions.h"
#include "stats/estimate.h"

namespace hre {

Interval LeastSquares::interval(double x) const {
  const double reach =
      student_t_quantile(0.975, n - 2) * error * std::sqrt(1 / n + (x - mean_x) * (x - mean_x) / sum_xx);
  return {at(x) - reach, at(x) + reach};
}

std::optional<LeastSquares> least_squares(std::span<const double> x, std::span<const double> y) {
  if (x.size() < 3) return std::nullopt;
  LeastSquares line;
  line.n = static_cast<double>(x.size());
  line.mean_x = moments(x).mean;
  const double mean_y = moments(y).mean;
  double sum_xy = 0, residuals = 0;
  for (size_t i = 0; i < x.size(); ++i) {
    line.sum_xx += (x[i] - line.mean_x) * (x[i] - line.mean_x);
    sum_xy += (x[i] - line.mean_x) * (y[i] - mean_y);
  }
  if (!(line.sum_xx > 0)) return std::nullopt;
  line.slope = sum_xy / line.sum_xx;
  line.intercept = mean_y - line.slope * line.mean_x;
  for (size_t i = 0; i < x.size(); ++i) residuals += std::pow(y[i] - line.at(x[i]), 2);
  line.error = std::sqrt(residuals / (line.n - 2));
  return line;
}

}  // namespace hre
