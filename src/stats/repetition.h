#pragma once
/// Means over items that were measured several times each (epochs, seeds): what of their error measuring leaves.

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "hre/estimate.h"
#include "stats/grouped.h"

namespace hre {

/// The variance of each item's mean that comes from measuring the item only so often: the variance of its measurements
/// by their number. An item that was measured once takes the mean variance of the others, weighted by their degrees of
/// freedom. Nothing where no item was measured twice.
std::optional<std::vector<double>> measurement_variances(std::span<const Repeats> items);

/// The standard error of a weighted mean in two parts, whose squares add up to its own square: Var(mean) = between / n
/// + within / (k n) for n items of k measurements each (Miller, arXiv 2411.00640, section 3).
struct RepetitionParts {
  double items = 0;         ///< what would be left if every item were measured without end
  double measurements = 0;  ///< what more measurements of the same items would take away
};

/// `variances`: measurement_variances, or their sum over the two runs of a difference. Both parts are unbiased before
/// the root; `items` is 0 where the measurements alone vary more than the items' means.
RepetitionParts repetition_parts(double standard_error, std::span<const double> variances,
                                 std::span<const size_t> sizes, Weights weights);

}  // namespace hre
