#pragma once
/// A hint whether a text was in the training data; never a proof.

#include <optional>
#include <span>

namespace hre {

/// Min-K% (Shi et al., arXiv 2310.16789): the mean of the floor(share * n) lowest token log-probabilities, one at
/// least, in nats. Higher for texts that were seen in training: these have fewer tokens that surprise. `share` in (0,
/// 1], the paper's choice is 0.2. Nothing without tokens or where one of them is NaN.
std::optional<double> min_k_percent(std::span<const float> token_log_probs, double share = 0.2);

}  // namespace hre
