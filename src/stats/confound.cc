#include "stats/confound.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "stats/correlation.h"
#include "stats/estimate.h"

namespace hre {
namespace {

constexpr double kCollinear = 1e-10;
constexpr size_t kFewestForIntervals = 50, kFewestForShare = 100;

double norm(std::span<const double> values) {
  return std::sqrt(std::inner_product(values.begin(), values.end(), values.begin(), 0.0));
}

// Takes off the part along the unit vector, twice: the second pass removes what rounding left.
std::vector<double> residual(std::vector<double> values, std::span<const double> unit) {
  for (int pass = 0; pass < 2; ++pass) {
    const double along = std::inner_product(values.begin(), values.end(), unit.begin(), 0.0);
    for (size_t i = 0; i < values.size(); ++i) values[i] -= along * unit[i];
  }
  return values;
}

std::vector<double> unit_deviations(std::span<const double> values) {
  std::vector<double> result = deviations(values);
  const double length = norm(result);
  for (double& value : result) value /= length;
  return result;
}

}  // namespace

std::optional<double> partial_correlation(std::span<const double> x, std::span<const double> y,
                                          std::span<const double> z) {
  const std::optional<double> plain = pearson(x, y);
  const bool all_finite = std::ranges::all_of(z, [](double value) { return std::isfinite(value); });
  if (!plain || z.size() != x.size() || x.size() < 4 || !all_finite) return std::nullopt;
  if (is_constant(z)) return plain;
  const std::vector<double> unit = unit_deviations(z);
  const std::vector<double> rest_x = residual(unit_deviations(x), unit);
  const std::vector<double> rest_y = residual(unit_deviations(y), unit);
  const double norms = norm(rest_x) * norm(rest_y);
  if (norm(rest_x) < kCollinear || norm(rest_y) < kCollinear) return std::nullopt;
  return std::clamp(std::inner_product(rest_x.begin(), rest_x.end(), rest_y.begin(), 0.0) / norms, -1.0, 1.0);
}

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
  parts.value = weighted_estimate(values, sizes, weights);
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
