#pragma once
/// Shares of an evaluation for jobs that know nothing of each other, and one run of all shares. Pure functions.

#include <vector>

#include "hre/question.h"
#include "hre/run.h"

namespace hre {

/// The places, in a selection of questions, that belong to a shard. Every job computes the same shares: longest
/// questions first (by their characters), each to the shard with the least text so far. In ascending order.
std::vector<size_t> places_of_shard(const Dataset& dataset, const std::vector<size_t>& selected,
                                    const ShardChoice& shard);

/// Where a shard's questions stand in the whole selection.
Result<RunShard> describe_shard(const Dataset& dataset, const EvalOptions& options,
                                const std::vector<QuestionResult>& questions);

/// All shards of one evaluation as one run, equal to that of a single job but for its times: those are sums, and it was
/// created when the last shard was. Input errors for runs that are no shards, partial ones, shards that are missing
/// or there twice, and anything in model, dataset or options that differs.
Result<Run> merge_shards(std::vector<Run> shards);

}  // namespace hre
