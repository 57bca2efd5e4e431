#pragma once
/// The folder src/model/baseline: controls without weights: how well does length alone, or a compressor, rank the
/// answers?
///
/// Not here: controls that need a model or the votes.
/// Types:    each is a `Scorer`, made by a function here.
/// Owners:   nothing is kept between questions.
/// Threads:  as any scorer: `plan` by several threads, `score` by one.
/// To add:   a baseline: a function here, and its row in `kBaselines`.

/// Models without weights, as controls: how well does length alone, or a compressor, rank the answers?

#include <memory>

#include "hre/scorer.h"

namespace hre {

/// baseline:length: an answer's score is its length in code points, not divided by any length.
std::unique_ptr<Scorer> open_length_baseline();

/// baseline:zstd: log-likelihood = -ln(2) x 8 x (bytes that the answer adds to the compressed context), which bounds
/// the code length of the answer given the question from above. It is divided by characters as for any model.
std::unique_ptr<Scorer> open_zstd_baseline();

/// All of them, by the names that MODEL has.
struct NamedBaseline {
  const char* name;
  std::unique_ptr<Scorer> (*open)();
};
inline constexpr NamedBaseline kBaselines[] = {{"baseline:length", open_length_baseline},
                                               {"baseline:zstd", open_zstd_baseline}};

}  // namespace hre
