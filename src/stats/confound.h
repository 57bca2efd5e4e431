#pragma once
/// What else could explain an agreement of scores with votes: length, date, position.

#include <optional>
#include <span>

#include "hre/estimate.h"
#include "stats/grouped.h"

namespace hre {

/// One question's votes and scores against a covariate of its answers (their log length, date, position). u and w are
/// the deviations of votes and scores from their means, scaled to length 1; z those of the covariate by sqrt(n - 1), so
/// that votes of the same spread have the same slope on it whatever the number of answers n.
struct CovariateProducts {
  double value = 0;   ///< u w: Pearson's r
  double votes = 0;   ///< u z
  double scores = 0;  ///< w z
  double square = 0;  ///< z z; 0 for a constant covariate, of which nothing goes through
};

/// Nothing where r is undefined or the covariate is not finite.
std::optional<CovariateProducts> covariate_products(std::span<const double> votes, std::span<const double> scores,
                                                    std::span<const double> covariate);

/// A mean value as two parts that add up to it: what follows from votes and scores each going with the covariate, and
/// the rest. Over the questions, u is a slope times z and a remainder, w is another slope times z and a remainder; the
/// slopes are those of one least-squares line through all questions. The mean of u w is then slope slope z z,
/// `through`, plus the mean product of the remainders, `beyond`. A rule that knows the covariate alone has no more than
/// `through`.
///
/// `through` is sum_{p != q} (u_p z_p) (w_q z_q) over different questions by the mean of z z: products of one question
/// with itself are left out, because its votes and scores go with any z together where they go with each other (with
/// them, n answers would give r / (n - 1) for a covariate that plays no part). So its expectation is 0 where z plays no
/// part in the votes, in the scores or in both, for any number of answers from two on.
struct ValueParts {
  Estimate value, through, beyond;  ///< over the same questions
  std::optional<double> share;  ///< through / value; nothing where the value's interval holds 0, or below 100 questions
  std::optional<Interval> share_interval;
};

/// Errors by the delta method, as means of each question's pull. `through` has an interval if the slope of votes or of
/// scores is at least four standard errors from 0: a product of two slopes near 0 varies less than either of them
/// suggests, and its interval would hold the truth in nearly 100 % of the cases. Below 50 questions there are no
/// intervals: that of `through` would hold the truth in 91 % of the cases. Without a mean for fewer than two questions
/// or a constant covariate. Products topic after topic.
ValueParts value_parts(std::span<const CovariateProducts> products, std::span<const size_t> sizes, Weights weights);

}  // namespace hre
