#pragma once
/// Two or more runs on the same questions. Values are a metric's, question by question, topic after topic, the same
/// questions in the same order in every run (those where all of them have a value), all finite.

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "hre/estimate.h"
#include "stats/bootstrap.h"
#include "stats/grouped.h"
#include "stats/permutation.h"

namespace hre {

struct ComparisonOptions {
  Weights weights = Weights::kQuestions;
  int draws = 10000;        ///< of the bootstrap
  int permutations = 9999;  ///< of the signs, where there are too many for all
  uint64_t seed = 42;
  int threads = 0;               ///< 0: all cores; their number changes nothing
  bool lower_is_better = false;  ///< of the values: a run with lower ones wins, ranks first, and passes a gate
  double range = 0;              ///< how far apart two values can be; 0: no bounds, see value_spread

  [[nodiscard]] BootstrapOptions bootstrap() const { return {draws, seed, threads, weights}; }
  [[nodiscard]] PermutationOptions permutation() const { return {permutations, seed}; }
};

/// Run A against run B, question by question. Differences are A - B: positive where A is better, unless lower values
/// are.
struct PairedComparison {
  std::optional<double> mean_a, mean_b;
  Estimate difference;  ///< with Student's t interval
  /// Topic-stratified, 95 %, BCa; below kFewestForVerdict questions wide enough to hold Student's too. Nothing where
  /// spread is not known.
  std::optional<Interval> bootstrap;
  std::optional<double> p;  ///< by sign flips, two-sided; nothing without questions
  PMethod p_method = PMethod::kDrawn;
  [[nodiscard]] bool p_exact() const { return p_method == PMethod::kExact; }
  std::optional<double> p_holm;  ///< adjusted for all comparisons made with it, where there are several
  /// d_z: the mean by the standard deviation of single questions' differences; where topics weigh the same, by that
  /// which gives the mean's standard error. Nothing where all differences are equal.
  std::optional<double> effect_size;
  std::optional<Interval> effect95;     ///< see effect_interval
  int64_t won = 0, tied = 0, lost = 0;  ///< questions where A is better, equal, worse
  bool hides_losses = false;            ///< may_hide_losses, and these could outweigh the mean difference
  /// Of the comparison, however they weigh; difference.n counts topics where these weigh the same.
  [[nodiscard]] int64_t questions() const { return won + tied + lost; }
};

/// Without an interval where may_hide_losses.
PairedComparison compare_paired(std::span<const double> a, std::span<const double> b, std::span<const size_t> sizes,
                                const ComparisonOptions& options);

/// Losses and gains may be rare and large, as after quantisation. Where one question in twenty is lost (or gained)
/// outright, 30 questions often hold none of them, and no statistic of theirs can tell: of models at the margin of a
/// gate, up to 28 % would pass, and 22 % fail.
constexpr int64_t kFewestForVerdict = 200;

/// The deviation of single questions' values that gives the mean's standard error: s, where questions weigh the same.
/// Nothing where the error is not known.
std::optional<double> deviation_of(const Estimate& mean, size_t n);

/// Whether n differences have no interval because they are few, and so alike that large ones may not have been seen:
/// fewer than kFewestForVerdict, with a deviation below a tenth of how far apart values are. Where one question in
/// twenty is lost outright and others hardly differ, 30 questions often hold no loss, and an interval held the truth in
/// about 75 % of the cases.
bool may_hide_losses(const Estimate& difference, size_t n, double spread);

/// How far apart the values of two runs are: the metric's range, or, where it has no bounds, two deviations of the run
/// whose questions differ more.
double value_spread(const Estimate& a, const Estimate& b, size_t n, double range);

/// Whether p, adjusted where it is, is below the level: A and B are not interchangeable. This alone does not say that
/// their means differ: the test is of the differences' signs, and skewed differences of mean 0 fail it as well.
bool not_interchangeable(const PairedComparison& pair, double level);

/// Whether one of the two is better: p is below the level, the questions are not so few and alike that what they may
/// hide could outweigh the difference, and the interval, if one is shown, excludes 0.
bool told_apart(const PairedComparison& pair, double level);

/// One comparison a topic, in order, with p-values adjusted by Holm over the topics.
std::vector<PairedComparison> compare_topics(std::span<const double> a, std::span<const double> b,
                                             std::span<const size_t> sizes, const ComparisonOptions& options);

/// The interval to show: the bootstrap's, else Student's.
std::optional<Interval> interval_of(const PairedComparison& comparison);

struct Effect {
  double size = 0;
  Interval interval;
};

/// The effect size and its interval, positive where A is better; nothing where the interval is not known.
std::optional<Effect> effect_of_gain(const PairedComparison& comparison, bool lower_is_better);

/// Each question's difference, times n times its share of the mean: values whose plain mean is the weighted one.
std::vector<double> weighted_differences(std::span<const double> a, std::span<const double> b,
                                         std::span<const size_t> sizes, Weights weights);

/// p that the mean difference is `against`, by sign flips of the differences less `against`. Two-sided.
std::optional<PermutationP> difference_p(std::span<const double> a, std::span<const double> b,
                                         std::span<const size_t> sizes, double against,
                                         const ComparisonOptions& options);

struct PairOfRuns {
  size_t a = 0, b = 0;  ///< a < b, by position in the input
  PairedComparison comparison;
};

/// The ranks that a run may have: from 1 + the number of runs told apart as better to n - the number told apart as
/// worse. Pairs are adjusted together, so all runs' true ranks lie within at once in 95 % of the cases (Klein, Wright
/// and Wieczorek, JRSS A 183, 2020; Mogstad et al., Rev. Econ. Stud. 91, 2024). 1 is the best.
struct RankInterval {
  double rank = 0;  ///< as observed; equal means share the average
  Interval interval;
};

struct ManyComparison {
  std::vector<PairOfRuns> pairs;            ///< (0, 1), (0, 2), ..., with p-values adjusted by Holm over all pairs
  std::vector<RankInterval> ranks;          ///< by run
  std::vector<std::vector<size_t>> groups;  ///< see indistinguishable_groups; best run first
};

/// All pairs of runs, on the same bootstrap draws. `level`: of told_apart.
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
