#include "stats/correlation.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

namespace hre {
namespace {

bool all_finite(std::span<const double> values) {
  return std::ranges::all_of(values, [](double value) { return std::isfinite(value); });
}

// What every statistic needs of its two sides.
bool comparable(std::span<const double> votes, std::span<const double> scores) {
  return votes.size() == scores.size() && votes.size() >= 2 && all_finite(votes) && all_finite(scores);
}

double largest_magnitude(std::span<const double> values) {
  double largest = 0;
  for (const double value : values) largest = std::max(largest, std::abs(value));
  return largest;
}

// Scales by a power of two, which costs no digits, so that sums and squares neither overflow nor vanish.
void scale_to_one(std::vector<double>& values) {
  const double largest = largest_magnitude(values);
  if (largest == 0) return;
  const int exponent = std::ilogb(largest);
  for (double& value : values) value = std::scalbn(value, -exponent);
}

double dot(std::span<const double> a, std::span<const double> b) {
  return std::inner_product(a.begin(), a.end(), b.begin(), 0.0);
}

double clamp_to_correlation(double value) { return std::clamp(value, -1.0, 1.0); }

std::optional<double> pearson_of_varying(std::span<const double> x, std::span<const double> y) {
  const std::vector<double> dx = deviations(x);
  const std::vector<double> dy = deviations(y);
  return clamp_to_correlation(dot(dx, dy) / std::sqrt(dot(dx, dx) * dot(dy, dy)));
}

int64_t pairs_of(int64_t n) { return n * (n - 1) / 2; }

// The number of pairs within runs of equal neighbours.
template <class Equal>
int64_t tied_pairs(size_t n, Equal equal_to_previous) {
  int64_t pairs = 0;
  int64_t run = 1;
  for (size_t i = 1; i <= n; ++i) {
    if (i < n && equal_to_previous(i)) {
      ++run;
    } else {
      pairs += pairs_of(run);
      run = 1;
    }
  }
  return pairs;
}

// Sorts, and returns the number of pairs that were strictly out of order: a merge sort's exchanges.
int64_t sort_counting_inversions(std::span<double> values, std::span<double> scratch) {
  if (values.size() < 2) return 0;
  const auto left = values.first(values.size() / 2);
  const auto right = values.subspan(left.size());
  int64_t inversions = sort_counting_inversions(left, scratch) + sort_counting_inversions(right, scratch);
  size_t l = 0;
  size_t r = 0;
  for (size_t k = 0; k < values.size(); ++k) {
    const bool take_right = l == left.size() || (r < right.size() && right[r] < left[l]);
    if (take_right) inversions += static_cast<int64_t>(left.size() - l);
    scratch[k] = take_right ? right[r++] : left[l++];
  }
  std::copy_n(scratch.begin(), values.size(), values.begin());
  return inversions;
}

}  // namespace

// The first value is taken off before the mean: under a huge offset that difference is exact where the mean
// itself would be rounded.
std::vector<double> deviations(std::span<const double> values) {
  std::vector<double> result(values.begin(), values.end());
  scale_to_one(result);
  const double first = result.front();
  for (double& value : result) value -= first;
  const double mean = std::accumulate(result.begin(), result.end(), 0.0) / static_cast<double>(result.size());
  for (double& value : result) value -= mean;
  scale_to_one(result);
  return result;
}

bool is_constant(std::span<const double> values) {
  if (values.size() < 2) return true;
  const auto [low, high] = std::ranges::minmax(values);
  constexpr double kTolerance = 4 * std::numeric_limits<double>::epsilon();
  // Halves, because the difference of the largest numbers would overflow.
  return high / 2 - low / 2 <= kTolerance * (std::max(std::abs(low), std::abs(high)) / 2);
}

std::optional<double> pearson(std::span<const double> votes, std::span<const double> scores) {
  if (!comparable(votes, scores) || is_constant(votes) || is_constant(scores)) return std::nullopt;
  return pearson_of_varying(votes, scores);
}

std::optional<double> spearman(std::span<const double> votes, std::span<const double> scores) {
  if (!comparable(votes, scores) || is_constant(votes) || is_constant(scores)) return std::nullopt;
  return pearson_of_varying(average_ranks(votes), average_ranks(scores));
}

std::optional<double> kendall(std::span<const double> votes, std::span<const double> scores) {
  if (!comparable(votes, scores) || is_constant(votes) || is_constant(scores)) return std::nullopt;
  const PairCounts pairs = count_pairs(votes, scores);
  const auto untied_votes = static_cast<double>(pairs.total - pairs.tied_x);
  const auto untied_scores = static_cast<double>(pairs.total - pairs.tied_y);
  const auto surplus = static_cast<double>(pairs.concordant() - pairs.discordant);
  return clamp_to_correlation(surplus / std::sqrt(untied_votes * untied_scores));
}

std::optional<double> pairwise_accuracy(std::span<const double> votes, std::span<const double> scores) {
  if (!comparable(votes, scores) || is_constant(votes)) return std::nullopt;
  if (is_constant(scores)) return 0.5;
  const PairCounts pairs = count_pairs(votes, scores);
  const auto right = static_cast<double>(pairs.concordant());
  const auto tied = static_cast<double>(pairs.tied_y - pairs.tied_both);
  return (right + tied / 2) / static_cast<double>(pairs.total - pairs.tied_x);
}

std::vector<double> average_ranks(std::span<const double> values) {
  std::vector<size_t> order(values.size());
  std::iota(order.begin(), order.end(), size_t{0});
  std::ranges::sort(order, [&](size_t a, size_t b) { return values[a] < values[b]; });
  std::vector<double> ranks(values.size());
  for (size_t begin = 0; begin < order.size();) {
    size_t end = begin + 1;
    while (end < order.size() && values[order[end]] == values[order[begin]]) ++end;
    const double rank = static_cast<double>(begin + 1 + end) / 2;
    for (; begin < end; ++begin) ranks[order[begin]] = rank;
  }
  return ranks;
}

PairCounts count_pairs(std::span<const double> x, std::span<const double> y) {
  const size_t n = x.size();
  std::vector<size_t> order(n);
  std::iota(order.begin(), order.end(), size_t{0});
  std::ranges::sort(order, [&](size_t a, size_t b) { return x[a] != x[b] ? x[a] < x[b] : y[a] < y[b]; });
  const auto same_x = [&](size_t i) { return x[order[i]] == x[order[i - 1]]; };
  std::vector<double> sorted_y(n);
  std::vector<double> scratch(n);
  std::ranges::transform(order, sorted_y.begin(), [&](size_t i) { return y[i]; });

  PairCounts counts;
  counts.total = pairs_of(static_cast<int64_t>(n));
  counts.tied_x = tied_pairs(n, same_x);
  counts.tied_both = tied_pairs(n, [&](size_t i) { return same_x(i) && sorted_y[i] == sorted_y[i - 1]; });
  counts.discordant = sort_counting_inversions(sorted_y, scratch);
  counts.tied_y = tied_pairs(n, [&](size_t i) { return sorted_y[i] == sorted_y[i - 1]; });
  return counts;
}

}  // namespace hre
