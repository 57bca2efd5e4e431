#include "stats/agreement.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "stats/correlation.h"
#include "stats/distributions.h"

namespace hre {
namespace {

double sign(double value) { return static_cast<double>((value > 0) - (value < 0)); }

// All three statistics are, but for a factor that no pairing changes, sums of products.
PermutationP product_p(const std::vector<double>& x, const std::vector<double>& y, const PermutationOptions& options) {
  const double scale = std::sqrt(std::inner_product(x.begin(), x.end(), x.begin(), 0.0) *
                                 std::inner_product(y.begin(), y.end(), y.begin(), 0.0));
  const auto statistic = [&](std::span<const size_t> order) {
    double sum = 0;
    for (size_t i = 0; i < x.size(); ++i) sum += x[i] * y[order[i]];
    return sum;
  };
  return pairing_p(x.size(), statistic, 1e-12 * scale, options);
}

PermutationP kendall_p(std::span<const double> x, std::span<const double> y, const PermutationOptions& options) {
  const auto statistic = [&](std::span<const size_t> order) {
    double sum = 0;
    for (size_t i = 0; i < x.size(); ++i) {
      for (size_t j = 0; j < i; ++j) sum += sign(x[i] - x[j]) * sign(y[order[i]] - y[order[j]]);
    }
    return sum;
  };
  return pairing_p(x.size(), statistic, 0.5, options);
}

PermutationP correlation_p(CorrelationKind kind, std::span<const double> x, std::span<const double> y,
                           const PermutationOptions& options) {
  switch (kind) {
    case CorrelationKind::kPearson:
      return product_p(deviations(x), deviations(y), options);
    case CorrelationKind::kSpearman:
      return product_p(deviations(average_ranks(x)), deviations(average_ranks(y)), options);
    case CorrelationKind::kKendall:
      break;
  }
  return kendall_p(x, y, options);
}

std::vector<double> without(std::span<const double> values, size_t position) {
  std::vector<double> rest(values.begin(), values.end());
  rest.erase(rest.begin() + static_cast<std::ptrdiff_t>(position));
  return rest;
}

std::vector<std::optional<double>> leave_one_out(CorrelationKind kind, std::span<const double> x,
                                                 std::span<const double> y) {
  std::vector<std::optional<double>> values;
  for (size_t i = 0; i < x.size(); ++i) values.push_back(correlation(kind, without(x, i), without(y, i)));
  return values;
}

void set_leave_one_out(Agreement& result, const std::vector<std::optional<double>>& jackknife) {
  double furthest = -1;
  for (size_t i = 0; i < jackknife.size(); ++i) {
    if (!jackknife[i]) continue;
    const Interval range = result.leave_one_out.value_or(Interval{*jackknife[i], *jackknife[i]});
    result.leave_one_out = Interval{std::min(range.low, *jackknife[i]), std::max(range.high, *jackknife[i])};
    const double moved = std::abs(*jackknife[i] - *result.value);
    if (moved > furthest) result.most_influential = i;
    furthest = std::max(furthest, moved);
  }
}

MatrixCell matrix_cell(CorrelationKind kind, const ModelValues& a, const ModelValues& b) {
  std::vector<double> x;
  std::vector<double> y;
  for (size_t i = 0; i < a.size(); ++i) {
    if (!a[i] || !b[i]) continue;
    x.push_back(*a[i]);
    y.push_back(*b[i]);
  }
  return {correlation(kind, x, y), static_cast<int64_t>(x.size())};
}

}  // namespace

std::optional<double> correlation(CorrelationKind kind, std::span<const double> x, std::span<const double> y) {
  switch (kind) {
    case CorrelationKind::kPearson:
      return pearson(x, y);
    case CorrelationKind::kSpearman:
      return spearman(x, y);
    case CorrelationKind::kKendall:
      break;
  }
  return kendall(x, y);
}

std::optional<Interval> agreement_interval(CorrelationKind kind, double r, int64_t n) {
  const auto count = static_cast<double>(n);
  double step = 0, variance = 0;  // to the next value that n units can have; of z
  switch (kind) {
    case CorrelationKind::kPearson:
      if (n < 4 || std::abs(r) >= 1) return std::nullopt;
      variance = 1 / (count - 3);
      break;
    case CorrelationKind::kSpearman:
      step = 12 / (count * (count * count - 1));
      variance = (1 + r * r / 2 + 1.5 * std::pow(r, 16)) / (count - 3);
      break;
    case CorrelationKind::kKendall:
      step = 4 / (count * (count - 1));
      variance = 0.437 * (1 + 0.4 * std::pow(r, 4)) / (count - 4);
      break;
  }
  if (kind != CorrelationKind::kPearson && n < 10) return std::nullopt;
  const double reach = normal_quantile(0.975) * std::sqrt(variance);
  const auto end = [&](double from, double by) { return std::abs(from) < 1 ? std::tanh(std::atanh(from) + by) : from; };
  return Interval{end(std::max(r - step, -1.0), -reach), end(std::min(r + step, 1.0), reach)};
}

Agreement agreement(CorrelationKind kind, std::span<const double> x, std::span<const double> y,
                    const AgreementOptions& options) {
  Agreement result;
  result.n = static_cast<int64_t>(x.size());
  result.few = x.size() < 10;
  result.value = correlation(kind, x, y);
  if (!result.value || x.size() < 3) return result;
  result.p = correlation_p(kind, x, y, {options.permutations, options.seed});
  const auto jackknife = leave_one_out(kind, x, y);
  set_leave_one_out(result, jackknife);
  result.interval = agreement_interval(kind, *result.value, result.n);
  return result;
}

std::vector<std::vector<MatrixCell>> correlation_matrix(CorrelationKind kind, std::span<const ModelValues> columns) {
  std::vector<std::vector<MatrixCell>> matrix(columns.size());
  for (size_t i = 0; i < columns.size(); ++i) {
    for (const ModelValues& other : columns) matrix[i].push_back(matrix_cell(kind, columns[i], other));
  }
  return matrix;
}

}  // namespace hre
