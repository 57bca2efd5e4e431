#pragma once
/// How good the top of a question's ranking is. Undefined as in stats/correlation.h, but for constant scores: those are
/// a random order, and what it gets on average counts.

#include <optional>
#include <span>

namespace hre {

/// 1 where the highest score is at an answer with the most votes, else 0; where answers share the highest score,
/// the share of them that have the most votes.
std::optional<double> top_one(std::span<const double> votes, std::span<const double> scores);

/// Normalised discounted cumulative gain (Jarvelin and Kekalainen, 2002): sum gain_i / log2(1 + rank_i) by the best
/// possible sum. Votes can be negative, so an answer's gain is its rank: 0 for the fewest votes, n - 1 for the most,
/// equal votes sharing the average. Equal scores share the average discount (McSherry and Najork, 2008).
std::optional<double> ndcg(std::span<const double> votes, std::span<const double> scores);

/// What a random order of the answers gets on average: k / n of n answers of which k have the most votes, and the mean
/// gain at every rank by the best possible sum. 1/4 and 0.807 for four different votes. Undefined as above.
std::optional<double> top_one_chance(std::span<const double> votes);
std::optional<double> ndcg_chance(std::span<const double> votes);

}  // namespace hre
