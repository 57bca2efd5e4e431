#pragma once
/// Models without weights, as controls: what does length alone, or a compressor, make of the answers?

#include "hre/scorer.h"

namespace hre {

/// baseline:length: an answer's score is its length in code points, not divided by anything.
std::unique_ptr<Scorer> open_length_baseline();

/// baseline:zstd: log-likelihood = -ln(2) x 8 x (bytes that the answer adds to the compressed context), an
/// upper bound on the code length of the answer given the question, then divided by characters as any model's.
std::unique_ptr<Scorer> open_zstd_baseline();

}  // namespace hre
