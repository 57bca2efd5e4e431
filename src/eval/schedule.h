#pragma once
/// Which questions are evaluated, and in what order.

#include <cstddef>
#include <vector>

#include "hre/question.h"
#include "hre/run.h"

namespace hre {

/// Indices into dataset.questions, topic after topic, each topic in the published order
/// (Python's random.Random(seed).shuffle of the whole topic) and cut to the limit; of these, the shard's alone.
/// Input errors for globs that match no topic and for a limit below 1.
Result<std::vector<size_t>> select_questions(const Dataset& dataset, const EvalOptions& options);

/// Turns a selection into the order of work: one question of each topic in turn, so that a value of
/// what is done so far covers all topics. Returns positions in `selected`.
std::vector<size_t> interleave_topics(const Dataset& dataset, const std::vector<size_t>& selected);

}  // namespace hre
