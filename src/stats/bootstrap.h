#pragma once
/// Intervals by resampling questions within their topics (Efron's bootstrap, stratified; Davison and Hinkley,
/// "Bootstrap methods and their application", 1997, chapters 3 and 5). Topics of one question are one stratum together:
/// see Strata.

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "stats/grouped.h"

namespace hre {

struct BootstrapOptions {
  int draws = 10000;
  uint64_t seed = 42;
  int threads = 0;  ///< 0: all cores; their number changes no draw
  Weights weights = Weights::kQuestions;
};

/// How far the mean of each run moved in each draw. All runs share a draw's questions, so that the difference
/// of two columns is a draw of their paired difference.
struct BootstrapDraws {
  size_t runs = 0;
  std::vector<double> deviations;  ///< [draws x runs]

  [[nodiscard]] size_t draws() const { return runs == 0 ? 0 : deviations.size() / runs; }
  [[nodiscard]] double at(size_t draw, size_t run) const { return deviations[draw * runs + run]; }
  [[nodiscard]] std::vector<double> column(size_t run) const;
  /// Of the difference between two runs.
  [[nodiscard]] std::vector<double> difference(size_t a, size_t b) const;
};

/// Draws every stratum's questions anew, with replacement, as many as it has. Deviations from its mean are stretched by
/// sqrt(n / (n - 1)), so that the draws of a mean have the unbiased variance s^2 / n in small strata too.
/// Question i of draw d in the stratum whose first topic is t is floor(w n / 2^32), where w is the i-th 32-bit word
/// (lower half first) of RandomStream(seed, kBootstrap, d, t). Values are finite; each run has as many as the sizes add
/// up to (< 2^32 a topic).
BootstrapDraws bootstrap_means(std::span<const std::span<const double>> runs, std::span<const size_t> sizes,
                               const BootstrapOptions& options);

/// Each question's pull on a stratified mean: its weighted, stretched deviation from its stratum's mean.
/// Their squares add up to the mean's variance.
std::vector<double> influence(std::span<const double> values, std::span<const size_t> sizes, Weights weights);

/// Efron's acceleration, sum(l^3) / (6 sum(l^2)^1.5) over influence or jackknife values; 0 where they are all zero.
double acceleration(std::span<const double> influence_values);

/// The bias-corrected and accelerated interval (Efron, JASA 82, 1987) from draws of a statistic and its value.
/// critical: the two-sided normal quantile, 1.96 for 95 %. Draws equal to the value count half for the bias;
/// quantiles interpolate linearly. Nothing without draws.
std::optional<Interval> bca_interval(std::vector<double> draws, double value, double acceleration, double critical);

/// The 95 % BCa interval of a stratified mean, at levels widened by Student's t for its degrees of freedom
/// (Hesterberg, "What teachers should know about the bootstrap", 2015). Nothing where spread is not known: of a stratum
/// of one question, and where all values of every stratum are equal; and nothing unless enough_for_interval, and below
/// 19 degrees of freedom of the values themselves, where it is too narrow.
std::optional<Interval> bootstrap_interval(std::span<const double> values, std::span<const size_t> sizes,
                                           const BootstrapOptions& options);

/// The same from draws that are already there (of this mean, as deviations).
std::optional<Interval> interval_of_deviations(std::vector<double> deviations, std::span<const double> values,
                                               std::span<const size_t> sizes, Weights weights);

/// The stratified mean itself.
double weighted_mean(std::span<const double> values, std::span<const size_t> sizes, Weights weights);

}  // namespace hre
