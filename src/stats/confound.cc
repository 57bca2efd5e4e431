#include "stats/confound.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "stats/correlation.h"
#include "stats/distributions.h"

namespace hre {
namespace {

constexpr double kCollinear = 1e-10;

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

Confound confound_of(std::span<const double> votes, std::span<const double> scores, std::span<const double> covariate) {
  if (!pearson(votes, scores)) return {};
  Confound result;
  result.votes = pearson(votes, covariate);
  result.scores = pearson(scores, covariate);
  result.partial = partial_correlation(votes, scores, covariate);
  if (result.votes && result.scores) {
    result.explained = *result.votes * *result.scores;
  } else if (covariate.size() == votes.size() && is_constant(covariate)) {
    result.explained = 0;
  }
  return result;
}

std::optional<ExplainedShare> explained_share(std::span<const double> explained, std::span<const double> values,
                                              std::span<const size_t> sizes, const BootstrapOptions& options) {
  const std::span<const double> runs[] = {explained, values};
  const BootstrapDraws draws = bootstrap_means(runs, sizes, options);
  const auto of_values = interval_of_deviations(draws.column(1), values, sizes, options.weights);
  if (!of_values || of_values->contains(0)) return std::nullopt;

  const double part = weighted_mean(explained, sizes, options.weights);
  const double whole = weighted_mean(values, sizes, options.weights);
  const double share = part / whole;
  std::vector<double> drawn(draws.draws());
  for (size_t i = 0; i < drawn.size(); ++i) drawn[i] = (part + draws.at(i, 0)) / (whole + draws.at(i, 1));

  std::vector<double> pull = influence(explained, sizes, options.weights);
  const std::vector<double> pull_of_whole = influence(values, sizes, options.weights);
  for (size_t i = 0; i < pull.size(); ++i) pull[i] = (pull[i] - share * pull_of_whole[i]) / whole;
  const double df = degrees_of_freedom(pull, sizes).value_or(1);
  const auto interval = bca_interval(std::move(drawn), share, acceleration(pull), student_t_quantile(0.975, df));
  return ExplainedShare{share, *interval};
}

}  // namespace hre
