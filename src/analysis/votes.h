#pragma once
/// How votes are distributed over answers, topic by topic.

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "hre/run.h"

namespace hre {

struct VoteBar {
  double low = 0, high = 0;  ///< votes from low on, below high
  double share = 0;          ///< of the topic's answers
};

struct TopicVotes {
  std::string topic;
  int64_t answers = 0;
  double least = 0, p5 = 0, q1 = 0, median = 0, q3 = 0, p95 = 0, most = 0, mean = 0;
  std::vector<VoteBar> bars;  ///< equally wide in asinh(votes), over all topics' votes
};

/// By topic; topics without a finite vote are left out. A question that several runs have counts once.
std::vector<TopicVotes> vote_distributions(std::span<const Run> runs);

}  // namespace hre
