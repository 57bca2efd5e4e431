#pragma once
/// How high is high: votes are counts of people, so that a ranker that knew how good each answer is would still not
/// reach a correlation of 1 with them. How far would it get?

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "stats/grouped.h"

namespace hre {

/// Votes for and against the answers of one question.
struct VoteCounts {
  std::vector<int64_t> up, down;
};

struct CeilingOptions {
  int draws = 10;  ///< of each question's expected votes
  uint64_t seed = 42;
  int threads = 0;  ///< 0: all cores; their number changes nothing
};

struct VoteCeiling {
  int64_t questions = 0;       ///< whose votes differ
  std::optional<double> mean;  ///< of r of votes and their expectations: the largest mean r of any ranker
  /// The share of the spread of a question's votes that is not chance. Without an interval: few questions with many
  /// votes decide it, so that a jackknife's would hold the truth in 83 % of the cases.
  std::optional<double> reliability;
  /// 95 % for the mean: by the jackknife over 20 groups, and 0.02 on either side for expectations that are not as the
  /// model has them. Nothing below kFewestForCeiling questions.
  std::optional<Interval> interval;
};
constexpr size_t kFewestForCeiling = 200;

/// Counts are Poisson. The logarithm of their expectation is a normal level of the question plus a normal deviation of
/// the answer; mean and both spreads are fitted to all questions by expectation maximisation on a grid, for and against
/// each on their own. Expectations are then drawn from what each question's counts say of them, and correlated with its
/// votes: the mean of that is the mean r that a ranker gets which knows the expectations. It takes people for
/// independent; where they follow each other's votes, chance is larger than this and the true ceiling lower. Questions
/// whose votes are all equal are left out, as they are from the mean r.
VoteCeiling vote_ceiling(std::span<const VoteCounts> questions, const CeilingOptions& options = {});

}  // namespace hre
