#pragma once
/// How well scores agree with votes: the four statistics of one question, as pure functions of numbers.
///
/// Each takes equally many votes and scores, two or more, all finite, and gives nothing where it is
/// undefined: otherwise, or where one side is constant. Constant means a spread of at most four
/// rounding units (2^-52) of the largest magnitude, so that numbers equal but for their rounding
/// (0.1 + 0.2 and 0.3) don't come out as a random correlation.

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

namespace hre {

/// Pearson's product-moment correlation, in [-1, 1]. Shifted and centred in two passes, so that
/// neither an offset nor a scale costs digits.
std::optional<double> pearson(std::span<const double> votes, std::span<const double> scores);

/// Spearman's rho: Pearson's correlation of average ranks.
std::optional<double> spearman(std::span<const double> votes, std::span<const double> scores);

/// Kendall's tau-b, (C - D) / sqrt((N - T_votes) (N - T_scores)) over the N pairs, in O(n log n)
/// (Knight, JASA 61, 1966).
std::optional<double> kendall(std::span<const double> votes, std::span<const double> scores);

/// The share of pairs with different votes that the scores order rightly; equal scores count 1/2.
/// Undefined without such a pair. Constant scores are a coin's throw: 1/2, not undefined.
std::optional<double> pairwise_accuracy(std::span<const double> votes, std::span<const double> scores);

/// Ranks from 1; equal values share the average of theirs. No NaN.
std::vector<double> average_ranks(std::span<const double> values);

/// True where all values are equal but for rounding, as above. True for fewer than two.
bool is_constant(std::span<const double> values);

/// Deviations from the mean, scaled by some power of two; they add up to 0 but for rounding. Finite, not empty.
std::vector<double> deviations(std::span<const double> values);

/// How the n (n - 1) / 2 pairs of (x, y) fall.
struct PairCounts {
  int64_t total = 0;
  int64_t tied_x = 0;  ///< equal x, whatever y
  int64_t tied_y = 0;  ///< equal y, whatever x
  int64_t tied_both = 0;
  int64_t discordant = 0;  ///< x and y differ, in opposite directions

  [[nodiscard]] int64_t concordant() const { return total - tied_x - tied_y + tied_both - discordant; }
};

/// By Knight's algorithm. x and y are equally long and hold no NaN.
PairCounts count_pairs(std::span<const double> x, std::span<const double> y);

}  // namespace hre
