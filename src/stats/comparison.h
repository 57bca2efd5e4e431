#pragma once
/// Two or more runs on the same questions. Values are a metric's, question by question, topic after topic, the same
/// questions in the same order in every run (those where all of them have a value), all finite.

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "hre/run.h"
#include "stats/bootstrap.h"
#include "stats/grouped.h"
#include "stats/permutation.h"

namespace hre {

struct ComparisonOptions {
  Weights weights = Weights::kQuestions;
  int draws = 10000;        ///< of the bootstrap
  int permutations = 9999;  ///< of the signs, where there are too many for all
  uint64_t seed = 42;
  int threads = 0;  ///< 0: all cores; their number changes nothing

  [[nodiscard]] BootstrapOptions bootstrap() const { return {draws, seed, threads, weights}; }
  [[nodiscard]] PermutationOptions permutation() const { return {permutations, seed}; }
};

/// Run A against run B, question by question. Differences are A - B: positive where A is better.
struct PairedComparison {
  std::optional<double> mean_a, mean_b;
  Estimate difference;                ///< with Student's t interval
  std::optional<Interval> bootstrap;  ///< topic-stratified, 95 %, BCa; nothing without a topic of two questions
  std::optional<double> p;            ///< by sign flips, two-sided; nothing without questions
  bool p_exact = false;
  std::optional<double> p_holm;  ///< adjusted for all comparisons made with it, where there are several
  std::optional<double>
      effect_size;  ///< d_z = mean / standard deviation of the differences; nothing where they are equal
  int64_t won = 0, tied = 0, lost = 0;  ///< questions where A is above, equal, below
};

PairedComparison compare_paired(std::span<const double> a, std::span<const double> b, std::span<const size_t> sizes,
                                const ComparisonOptions& options);

/// One comparison a topic, in order, with p-values adjusted by Holm over the topics.
std::vector<PairedComparison> compare_topics(std::span<const double> a, std::span<const double> b,
                                             std::span<const size_t> sizes, const ComparisonOptions& options);

struct PairOfRuns {
  size_t a = 0, b = 0;  ///< a < b, by position in the input
  PairedComparison comparison;
};

/// The ranks that a run takes in 95 % of bootstrap draws; 1 is the best, equal means share the average.
struct RankInterval {
  double rank = 0;  ///< as observed
  Interval interval;
  double best = 0;  ///< the share of draws in which no other run is better
};

struct ManyComparison {
  std::vector<PairOfRuns> pairs;            ///< (0, 1), (0, 2), ..., with p-values adjusted by Holm over all pairs
  std::vector<RankInterval> ranks;          ///< by run
  std::vector<std::vector<size_t>> groups;  ///< see indistinguishable_groups; best run first
};

/// All pairs of runs, on the same bootstrap draws. `level`: of the adjusted p under which two runs are told apart.
ManyComparison compare_many(std::span<const std::span<const double>> runs, std::span<const size_t> sizes,
                            const ComparisonOptions& options, double level = 0.05);

/// The largest sets of runs of which no two are told apart, each sorted; every run and every pair that isn't told apart
/// is in at least one (the compact letter display: Piepho, J. Comput. Graph. Statist. 13, 2004, insert and absorb).
/// `told_apart`: pairs of positions below n.
std::vector<std::vector<size_t>> indistinguishable_groups(size_t n,
                                                          std::span<const std::pair<size_t, size_t>> told_apart);

/// The questions that moved most: positions of the `count` largest |a - b|, largest first, ties by position.
std::vector<size_t> largest_differences(std::span<const double> a, std::span<const double> b, size_t count);

/// One run that stands for several: the mean of their values, question by question. Comparing the mean of the tuned
/// models with the mean of the pretrained ones pools their sizes, with questions as the units.
std::vector<double> mean_over_runs(std::span<const std::span<const double>> runs);

}  // namespace hre
