#include "stats/ranking.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <vector>

#include "stats/correlation.h"

namespace hre {
namespace {

bool rankable(std::span<const double> votes, std::span<const double> scores) {
  const auto finite = [](double value) { return std::isfinite(value); };
  return votes.size() == scores.size() && std::ranges::all_of(votes, finite) && std::ranges::all_of(scores, finite) &&
         !is_constant(votes);
}

// The sum of gains at their discounts, in the order of descending keys.
double discounted_sum(std::span<const double> gains, std::span<const double> keys) {
  std::vector<size_t> order(keys.size());
  std::iota(order.begin(), order.end(), size_t{0});
  std::ranges::stable_sort(order, std::greater<>(), [&](size_t i) { return keys[i]; });
  double sum = 0;
  for (size_t begin = 0; begin < order.size();) {
    double gain = 0;
    double discount = 0;
    size_t end = begin;
    for (; end < order.size() && keys[order[end]] == keys[order[begin]]; ++end) {
      gain += gains[order[end]];
      discount += 1 / std::log2(static_cast<double>(end) + 2);
    }
    sum += gain * discount / static_cast<double>(end - begin);
    begin = end;
  }
  return sum;
}

// Scores that differ by rounding alone are equal.
std::vector<double> without_rounding(std::span<const double> scores) {
  if (is_constant(scores)) return std::vector<double>(scores.size(), 0.0);
  return {scores.begin(), scores.end()};
}

}  // namespace

std::optional<double> top_one(std::span<const double> votes, std::span<const double> scores) {
  if (!rankable(votes, scores)) return std::nullopt;
  const std::vector<double> keys = without_rounding(scores);
  const double most = *std::ranges::max_element(votes);
  const double highest = *std::ranges::max_element(keys);
  int top = 0;
  int best = 0;
  for (size_t i = 0; i < keys.size(); ++i) {
    top += keys[i] == highest;
    best += keys[i] == highest && votes[i] == most;
  }
  return static_cast<double>(best) / top;
}

std::optional<double> ndcg(std::span<const double> votes, std::span<const double> scores) {
  if (!rankable(votes, scores)) return std::nullopt;
  std::vector<double> gains = average_ranks(votes);
  for (double& gain : gains) gain -= 1;
  return discounted_sum(gains, without_rounding(scores)) / discounted_sum(gains, gains);
}

// Equal scores share what all orders of them get on average.
std::optional<double> top_one_chance(std::span<const double> votes) {
  return top_one(votes, std::vector<double>(votes.size(), 0.0));
}

std::optional<double> ndcg_chance(std::span<const double> votes) {
  return ndcg(votes, std::vector<double>(votes.size(), 0.0));
}

}  // namespace hre
