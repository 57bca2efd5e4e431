#pragma once
/// p-values by permutation (Good, "Permutation, parametric and bootstrap tests of hypotheses", 2005): exact where all
/// arrangements can be gone through, else (k + 1) / (N + 1) over N random ones, and by a saddlepoint approximation
/// where these are too few to tell how small p is. All are two-sided. Sums that differ by rounding alone count as
/// equal.

#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <vector>

namespace hre {

struct PermutationOptions {
  int permutations = 9999;  ///< drawn where there are too many
  uint64_t seed = 42;
};

enum class PMethod { kDrawn, kExact, kSaddlepoint };

/// "drawn", "exact", "saddlepoint"
const char* p_method_name(PMethod method);

struct PermutationP {
  double p = 1;
  PMethod method = PMethod::kDrawn;
  [[nodiscard]] bool exact() const { return method == PMethod::kExact; }
  bool operator==(const PermutationP&) const = default;
};

/// Paired differences, each as likely with the other sign under the null: the share of sign choices whose sum is as far
/// from 0 as the one seen. Exact for up to 30 differences other than 0, and for any number that have the same size, as
/// those of values that are 0 or 1 (then it is McNemar's exact test). Drawn signs: byte j of block philox({i / 32, g,
/// 0, 0}, {seed, kSignFlips}) has the signs of differences 8 g ... 8 g + 7 in draw i = 32 (i / 32) + j. Where fewer
/// than 20 of them are as far from 0, the share has no digits, and a correction for many tests would never get below 5
/// %: then the tail is sign_flip_tail. Nothing for no differences.
std::optional<PermutationP> sign_flip_p(std::span<const double> differences, const PermutationOptions& options);

/// P(sum of +-d_i >= sum), signs at random, for a sum > 0: Lugannani and Rice's saddlepoint approximation (Adv. Appl.
/// Prob. 12, 1980) of K(t) = sum log cosh(t d_i), half a step below the sum where all |d_i| are multiples of the
/// smallest. Never below 2^-n. Differences are not 0, and there is one at least.
double sign_flip_tail(std::span<const double> differences, double sum);

/// Two groups that are alike under the null: how unusual the sum of the first is among all splits of the pooled values
/// into groups of these sizes. Exact up to 200,000 splits. Twice the smaller tail, at most 1. Nothing for an empty
/// group.
std::optional<PermutationP> two_groups_p(std::span<const double> a, std::span<const double> b,
                                         const PermutationOptions& options);

/// n pairs (x_i, y_i) unrelated under the null: how unusual a statistic is among all ways of pairing them. Exact for n
/// <= 9. `statistic` gets an order of the y. `tolerance`: differences of the statistic that are rounding. Twice the
/// smaller tail, at most 1.
PermutationP pairing_p(size_t n, const std::function<double(std::span<const size_t> order)>& statistic,
                       double tolerance, const PermutationOptions& options);

/// Holm's step-down adjustment (Scand. J. Statist. 6, 1979): adjusted p-values in the order given. An undefined one
/// stays so and doesn't count as a test.
std::vector<std::optional<double>> holm_adjust(std::span<const std::optional<double>> p);

}  // namespace hre
