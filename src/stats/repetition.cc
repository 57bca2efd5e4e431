#include "stats/repetition.h"

#include <algorithm>
#include <cmath>

namespace hre {

std::optional<std::vector<double>> measurement_variances(std::span<const Repeats> items) {
  double squares = 0, degrees = 0;
  for (const Repeats& item : items) {
    if (item.n < 2) continue;
    squares += static_cast<double>(item.n - 1) * item.variance;
    degrees += static_cast<double>(item.n - 1);
  }
  if (degrees == 0) return std::nullopt;
  std::vector<double> variances;
  for (const Repeats& item : items) {
    variances.push_back(item.n < 2 ? squares / degrees : item.variance / static_cast<double>(item.n));
  }
  return variances;
}

RepetitionParts repetition_parts(double standard_error, std::span<const double> variances,
                                 std::span<const size_t> sizes, Weights weights) {
  const std::vector<double> shares = question_weights(sizes, weights);
  double measured = 0;
  for (size_t i = 0; i < variances.size(); ++i) measured += shares[i] * shares[i] * variances[i];
  return {std::sqrt(std::max(0.0, standard_error * standard_error - measured)), std::sqrt(measured)};
}

}  // namespace hre
