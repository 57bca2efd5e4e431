#include "stats/confound.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "stats/correlation.h"
#include "stats/estimate.h"

namespace hre {
namespace {

constexpr size_t kFewestForIntervals = 50, kFewestForShare = 100;
constexpr double kClearSlope = 4;  // standard errors

double norm(std::span<const double> values) {
  return std::sqrt(std::inner_product(values.begin(), values.end(), values.begin(), 0.0));
}

std::vector<double> unit_deviations(std::span<const double> values) {
  std::vector<double> result = deviations(values);
  const double length = norm(result);
  for (double& value : result) value /= length;
  return result;
}

/// Whether the slope on the covariate is clearly not 0. `products` are those of votes or of scores, of mean `mean`;
/// `square` is the mean square of the covariate.
bool has_clear_slope(std::span<const CovariateProducts> questions, double CovariateProducts::*products, double mean,
                     double square, std::span<const size_t> sizes, Weights weights) {
  std::vector<double> pulls;
  for (const CovariateProducts& q : questions) pulls.push_back(mean + q.*products - mean / square * q.square);
  const Estimate slope = weighted_estimate(pulls, sizes, weights);
  return slope.stderr_ && std::abs(mean) >= kClearSlope * *slope.stderr_;
}

}  // namespace

std::optional<CovariateProducts> covariate_products(std::span<const double> votes, std::span<const double> scores,
                                                    std::span<const double> covariate) {
  const std::optional<double> value = pearson(votes, scores);
  const bool all_finite = std::ranges::all_of(covariate, [](double v) { return std::isfinite(v); });
  if (!value || covariate.size() != votes.size() || !all_finite) return std::nullopt;
  CovariateProducts products{*value, 0, 0, 0};
  if (is_constant(covariate)) return products;
  const std::vector<double> u = unit_deviations(votes), w = unit_deviations(scores);
  const double mean = moments(covariate).mean, scale = 1 / std::sqrt(static_cast<double>(covariate.size() - 1));
  for (size_t i = 0; i < covariate.size(); ++i) {
    const double z = scale * (covariate[i] - mean);
    products.votes += u[i] * z;
    products.scores += w[i] * z;
    products.square += z * z;
  }
  return products;
}

ValueParts value_parts(std::span<const CovariateProducts> products, std::span<const size_t> sizes, Weights weights) {
  const std::vector<double> shares = question_weights(sizes, weights);
  double a = 0, b = 0, c = 0, own = 0, own_weight = 0;
  std::vector<double> values;
  for (size_t i = 0; i < products.size(); ++i) {
    a += shares[i] * products[i].votes;
    b += shares[i] * products[i].scores;
    c += shares[i] * products[i].square;
    own += shares[i] * shares[i] * products[i].votes * products[i].scores;
    own_weight += shares[i] * shares[i];
    values.push_back(products[i].value);
  }
  ValueParts parts;
  parts.value = weights == Weights::kQuestions ? mean_estimate(values, Interval{-1, 1})
                                               : weighted_estimate(values, sizes, weights);
  if (products.size() < 2 || c <= 0) return parts;
  const double through = (a * b - own) / (1 - own_weight) / c;
  std::vector<double> pulls, rests;
  for (const CovariateProducts& q : products) {
    pulls.push_back(through + (b * (q.votes - a) + a * (q.scores - b) - through * (q.square - c)) / c);
    rests.push_back(q.value - pulls.back());
  }
  parts.through = weighted_estimate(pulls, sizes, weights);
  parts.beyond = weighted_estimate(rests, sizes, weights);
  if (products.size() < kFewestForIntervals) {
    for (Estimate* part : {&parts.through, &parts.beyond}) part->ci_low = part->ci_high = std::nullopt;
    return parts;
  }
  if (!has_clear_slope(products, &CovariateProducts::votes, a, c, sizes, weights) &&
      !has_clear_slope(products, &CovariateProducts::scores, b, c, sizes, weights)) {
    parts.through.ci_low = parts.through.ci_high = std::nullopt;
    return parts;
  }
  const Estimate& value = parts.value;
  if (products.size() < kFewestForShare || !value.ci_low || Interval{*value.ci_low, *value.ci_high}.contains(0))
    return parts;
  parts.share = through / *value.mean;
  std::vector<double> share_pulls;
  for (size_t i = 0; i < pulls.size(); ++i) {
    share_pulls.push_back(*parts.share + (pulls[i] - *parts.share * values[i]) / *value.mean);
  }
  const Estimate share = weighted_estimate(share_pulls, sizes, weights);
  if (share.ci_low) parts.share_interval = Interval{*share.ci_low, *share.ci_high};
  return parts;
}

}  // namespace hre
