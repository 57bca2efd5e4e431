#include "stats/permutation.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <numbers>
#include <numeric>

#include "stats/correlation.h"
#include "stats/distributions.h"
#include "stats/random.h"

namespace hre {
namespace {

// A sum's rounding, relative to the sum of magnitudes.
constexpr double kRounding = 1e-13;

constexpr size_t kExactDifferences = 30;
constexpr int64_t kFewestBeyond = 20;  // drawn arrangements: below, their share is off by a fifth and more
constexpr size_t kExactPairs = 9;
constexpr double kExactSplits = 200000;

double sum_of_magnitudes(std::span<const double> values) {
  return std::transform_reduce(values.begin(), values.end(), 0.0, std::plus<>(), [](double v) { return std::abs(v); });
}

// All sums of the values under every choice of signs, sorted.
std::vector<double> signed_sums(std::span<const double> values) {
  std::vector<double> sums = {0};
  for (const double value : values) {
    const size_t n = sums.size();
    for (size_t i = 0; i < n; ++i) {
      sums.push_back(sums[i] + value);
      sums[i] -= value;
    }
  }
  std::ranges::sort(sums);
  return sums;
}

// The number of pairs (a, b) with a + b >= limit; both sorted.
int64_t count_sums_at_least(const std::vector<double>& a, const std::vector<double>& b, double limit) {
  int64_t count = 0;
  size_t first = b.size();  // of those in b that are large enough
  for (const double value : a) {
    while (first > 0 && value + b[first - 1] >= limit) --first;
    count += static_cast<int64_t>(b.size() - first);
  }
  return count;
}

// The two halves are summed on their own; the upper tail is as large as the lower one.
PermutationP exact_sign_flip_p(std::span<const double> differences, double limit) {
  if (limit <= 0) return {1, PMethod::kExact};
  const std::vector<double> left = signed_sums(differences.first(differences.size() / 2));
  const std::vector<double> right = signed_sums(differences.subspan(differences.size() / 2));
  const auto count = static_cast<double>(count_sums_at_least(left, right, limit));
  return {std::min(1.0, 2 * std::ldexp(count, -static_cast<int>(differences.size()))), PMethod::kExact};
}

bool of_one_size(std::span<const double> differences) {
  const auto [least, most] = std::ranges::minmax_element(differences, {}, [](double d) { return std::abs(d); });
  return std::abs(*most) - std::abs(*least) <= kRounding * std::abs(*most);
}

// Where all differences are equal in size: the number of positive ones is binomial.
PermutationP binomial_p(std::span<const double> differences) {
  const auto n = static_cast<int64_t>(differences.size());
  const int64_t positive = std::ranges::count_if(differences, [](double d) { return d > 0; });
  const int64_t fewer = std::min(positive, n - positive);
  if (2 * fewer == n) return {1, PMethod::kExact};
  const double tail = beta_cdf(0.5, static_cast<double>(n - fewer), static_cast<double>(fewer + 1));
  return {std::min(1.0, 2 * tail), PMethod::kExact};
}

// The sums of up to eight values under all 256 choices of signs; bit k set: value k counts as it is.
std::array<double, 256> sums_by_signs(std::span<const double> values) {
  std::array<double, 256> sums{};
  for (const double value : values) sums[0] -= value;
  for (size_t signs = 1; signs < sums.size(); ++signs) {
    const auto lowest = static_cast<size_t>(std::countr_zero(signs));
    sums[signs] = sums[signs & (signs - 1)] + (lowest < values.size() ? 2 * values[lowest] : 0);
  }
  return sums;
}

// The sum under each of the drawn choices of signs, eight differences at a time.
std::vector<double> drawn_signed_sums(std::span<const double> differences, const PermutationOptions& options) {
  constexpr size_t kDrawsOfABlock = 32;
  std::vector<double> sums(static_cast<size_t>(std::max(options.permutations, 0)));
  for (size_t group = 0; group * 8 < differences.size(); ++group) {
    const auto members = differences.subspan(group * 8);
    const std::array<double, 256> table = sums_by_signs(members.first(std::min<size_t>(8, members.size())));
    for (size_t first = 0; first < sums.size(); first += kDrawsOfABlock) {
      const auto words = philox({first / kDrawsOfABlock, group, 0, 0},
                                {options.seed, static_cast<uint64_t>(RandomPurpose::kSignFlips)});
      const size_t n = std::min(kDrawsOfABlock, sums.size() - first);
      for (size_t j = 0; j < n; ++j) sums[first + j] += table[words[j / 8] >> (j % 8 * 8) & 0xFF];
    }
  }
  return sums;
}

// Counts arrangements at or beyond the value seen on either side.
class TailCounter {
 public:
  TailCounter(double seen, double tolerance) : low_(seen + tolerance), high_(seen - tolerance) {}
  void add(double value) {
    ++n_;
    at_most_ += value <= low_;
    at_least_ += value >= high_;
  }
  [[nodiscard]] PermutationP exact_p() const { return {doubled(smaller(), n_), PMethod::kExact}; }
  // The arrangement seen is one of those that could have been drawn.
  [[nodiscard]] PermutationP drawn_p() const { return {doubled(smaller() + 1, n_ + 1), PMethod::kDrawn}; }

 private:
  [[nodiscard]] int64_t smaller() const { return std::min(at_most_, at_least_); }
  static double doubled(int64_t k, int64_t n) {
    return std::min(1.0, 2 * static_cast<double>(k) / static_cast<double>(n));
  }

  double low_;
  double high_;
  int64_t n_ = 0;
  int64_t at_most_ = 0;
  int64_t at_least_ = 0;
};

void shuffle(std::vector<size_t>& order, RandomStream random) {
  for (size_t i = order.size(); i > 1; --i) std::swap(order[i - 1], order[random.below(i)]);
}

// n choose k, in floating point.
double splits(size_t n, size_t k) {
  double count = 1;
  for (size_t i = 1; i <= k; ++i) count *= static_cast<double>(n - k + i) / static_cast<double>(i);
  return count;
}

}  // namespace

const char* p_method_name(PMethod method) {
  return method == PMethod::kExact ? "exact" : method == PMethod::kDrawn ? "drawn" : "saddlepoint";
}

std::optional<PermutationP> sign_flip_p(std::span<const double> differences, const PermutationOptions& options) {
  if (differences.empty()) return std::nullopt;
  std::vector<double> moved;
  std::ranges::copy_if(differences, std::back_inserter(moved), [](double d) { return d != 0; });
  const double tolerance = kRounding * sum_of_magnitudes(moved);
  const double limit = std::abs(std::accumulate(moved.begin(), moved.end(), 0.0)) - tolerance;
  if (!moved.empty() && of_one_size(moved)) return binomial_p(moved);
  if (moved.size() <= kExactDifferences) return exact_sign_flip_p(moved, limit);
  const std::vector<double> sums = drawn_signed_sums(moved, options);
  const auto beyond = std::ranges::count_if(sums, [&](double sum) { return std::abs(sum) >= limit; });
  if (beyond < kFewestBeyond && limit > 0) {
    return PermutationP{std::min(1.0, 2 * sign_flip_tail(moved, limit)), PMethod::kSaddlepoint};
  }
  return PermutationP{static_cast<double>(beyond + 1) / static_cast<double>(sums.size() + 1), PMethod::kDrawn};
}

double sign_flip_tail(std::span<const double> differences, double sum) {
  const double all = sum_of_magnitudes(differences);
  const double least = std::ldexp(1.0, -static_cast<int>(std::min<size_t>(differences.size(), 1000)));
  const double smallest = std::abs(*std::ranges::min_element(differences, {}, [](double d) { return std::abs(d); }));
  const double s = (sum - smallest) / all;  // in units in which all differences add up to 1
  if (s <= 0) return 0.5;
  if (s >= 1 - 1e-12) return least;
  const auto slope = [&](double t) {  // K'(t)
    double value = 0;
    for (const double d : differences) value += std::abs(d) / all * std::tanh(t * std::abs(d) / all);
    return value;
  };
  double low = 0, high = static_cast<double>(differences.size());
  while (slope(high) < s) high *= 2;
  for (int step = 0; step < 80 && high - low > 1e-13 * high; ++step) {
    const double middle = (low + high) / 2;
    (slope(middle) < s ? low : high) = middle;
  }
  const double t = high;
  double k = 0, curvature = 0;  // K(t) and K''(t)
  for (const double d : differences) {
    const double unit = std::abs(d) / all, x = t * unit, tanh = std::tanh(x);
    k += x + std::log1p(std::exp(-2 * x)) - std::log(2.0);
    curvature += unit * unit * (1 - tanh * tanh);
  }
  const double w = std::sqrt(2 * std::max(0.0, t * s - k)), u = t * std::sqrt(curvature);
  if (w < 1e-4) return 0.5;
  const double density = std::exp(-w * w / 2) / std::sqrt(2 * std::numbers::pi);
  return std::clamp(std::erfc(w / std::numbers::sqrt2) / 2 + density * (1 / u - 1 / w), least, 0.5);
}

std::optional<PermutationP> two_groups_p(std::span<const double> a, std::span<const double> b,
                                         const PermutationOptions& options) {
  if (a.empty() || b.empty()) return std::nullopt;
  std::vector<double> pooled(a.begin(), a.end());
  pooled.insert(pooled.end(), b.begin(), b.end());
  const auto sum_of_first = [&](std::span<const size_t> order) {
    double sum = 0;
    for (size_t i = 0; i < a.size(); ++i) sum += pooled[order[i]];
    return sum;
  };
  std::vector<size_t> order(pooled.size());
  std::iota(order.begin(), order.end(), size_t{0});
  TailCounter tails(sum_of_first(order), kRounding * sum_of_magnitudes(pooled));
  if (splits(pooled.size(), a.size()) <= kExactSplits) {
    std::vector<char> in_first(pooled.size(), 0);
    std::fill_n(in_first.begin(), a.size(), 1);
    do {
      size_t next = 0;
      for (size_t i = 0; i < pooled.size(); ++i) {
        if (in_first[i]) order[next++] = i;
      }
      tails.add(sum_of_first(order));
    } while (std::ranges::prev_permutation(in_first).found);
    return tails.exact_p();
  }
  for (int i = 0; i < options.permutations; ++i) {
    shuffle(order, RandomStream(options.seed, RandomPurpose::kLabels, static_cast<uint64_t>(i)));
    tails.add(sum_of_first(order));
  }
  return tails.drawn_p();
}

PermutationP pairing_p(size_t n, const std::function<double(std::span<const size_t>)>& statistic, double tolerance,
                       const PermutationOptions& options) {
  std::vector<size_t> order(n);
  std::iota(order.begin(), order.end(), size_t{0});
  TailCounter tails(statistic(order), tolerance);
  if (n <= kExactPairs) {
    do tails.add(statistic(order));
    while (std::ranges::next_permutation(order).found);
    return tails.exact_p();
  }
  for (int i = 0; i < options.permutations; ++i) {
    shuffle(order, RandomStream(options.seed, RandomPurpose::kPairings, static_cast<uint64_t>(i)));
    tails.add(statistic(order));
  }
  return tails.drawn_p();
}

std::vector<std::optional<double>> holm_adjust(std::span<const std::optional<double>> p) {
  std::vector<size_t> order;
  for (size_t i = 0; i < p.size(); ++i) {
    if (p[i]) order.push_back(i);
  }
  std::ranges::stable_sort(order, {}, [&](size_t i) { return *p[i]; });
  std::vector<std::optional<double>> adjusted(p.size());
  double largest = 0;
  for (size_t k = 0; k < order.size(); ++k) {
    largest = std::max(largest, std::min(1.0, *p[order[k]] * static_cast<double>(order.size() - k)));
    adjusted[order[k]] = largest;
  }
  return adjusted;
}

}  // namespace hre
