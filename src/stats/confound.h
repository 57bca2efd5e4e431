#pragma once
/// What else could explain an agreement of scores with votes: length, age, position.

#include <optional>
#include <span>

#include "stats/bootstrap.h"
#include "stats/grouped.h"

namespace hre {

/// The partial correlation of x and y given z: Pearson's correlation of what is left of each after a least-squares line
/// on z. For constant z the plain correlation. Nothing for fewer than four values (three leave nothing to vary), values
/// that are not finite, or where x or y is constant or a line of z (up to a 10^-10th of its spread).
std::optional<double> partial_correlation(std::span<const double> x, std::span<const double> y,
                                          std::span<const double> z);

/// One question: how a covariate of its answers (their log length, age, position) goes with votes and scores.
struct Confound {
  std::optional<double> votes;      ///< Pearson of votes and covariate
  std::optional<double> scores;     ///< Pearson of scores and covariate
  std::optional<double> partial;    ///< of votes and scores, given the covariate
  std::optional<double> explained;  ///< votes * scores; 0 for a constant covariate
};

/// Pearson's r of votes and scores = explained + sqrt((1 - votes^2) (1 - scores^2)) partial, so that `explained` is the
/// part of a question's value that goes through the covariate. Nothing where that r is undefined.
Confound confound_of(std::span<const double> votes, std::span<const double> scores, std::span<const double> covariate);

/// Mean explained part / mean value over the same questions.
struct ExplainedShare {
  double share = 0;
  Interval interval;  ///< 95 %, topic-stratified bootstrap of the ratio, BCa
};

/// Nothing where the mean value itself cannot be told from 0 (its bootstrap interval holds 0, or there is none).
std::optional<ExplainedShare> explained_share(std::span<const double> explained, std::span<const double> values,
                                              std::span<const size_t> sizes, const BootstrapOptions& options);

}  // namespace hre
