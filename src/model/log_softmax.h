#pragma once
/// Log-probabilities from logits, without ever storing a row of probabilities.

#include <span>

namespace hre {

/// log(sum(exp(logits))), in nats. NaN if a logit is NaN; logits of -inf count as probability 0.
/// Terms are float32, sums float64: the error is under 1e-6 nats for any vocabulary.
double log_sum_exp(std::span<const float> logits);

}  // namespace hre
