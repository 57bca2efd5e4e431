#pragma once
/// What so many questions can tell: power of the paired t test, by the noncentral t distribution.
///
/// `effect` is the true mean difference over the standard deviation of the differences (d_z); tests are two-sided.

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "stats/permutation.h"

namespace hre {

struct TestLevels {
  double alpha = 0.05;  ///< false positives allowed
  double power = 0.8;   ///< true differences to be found
};

/// The chance that a test of n questions finds an effect. 0 for n < 2.
double paired_power(double effect, int64_t n, double alpha);

/// The smallest effect that n questions find with the power asked for; nothing for n < 2.
std::optional<double> detectable_effect(int64_t n, const TestLevels& levels);

/// The fewest questions that find an effect (of either sign) with the power asked for; nothing for an effect of 0
/// or where 10^12 are too few.
std::optional<int64_t> questions_needed(double effect, const TestLevels& levels);

/// The standard deviation of paired differences from that of each run and their correlation over questions.
double paired_deviation(double deviation_a, double deviation_b, double correlation);

struct DetectionPoint {
  int64_t n = 0;        ///< questions
  double rate = 0;      ///< of repeats in which A is found better than B
  double opposite = 0;  ///< of repeats in which B is found better
};

struct DetectionOptions {
  int repeats = 2000;
  double alpha = 0.05;
  uint64_t seed = 42;
  int threads = 0;  ///< 0: all cores; their number changes nothing
};

/// How few questions are enough: the share of samples of n questions, drawn with replacement from the differences seen,
/// in which a two-sided paired t test at alpha finds them above (and below) 0. For each n of `counts`, which ascends.
/// It takes these questions for the whole world: what they got wrong about it, the curve has wrong too.
/// Samples without any spread count as detections by their sign. n < 2 detects nothing.
std::vector<DetectionPoint> detection_curve(std::span<const double> differences, std::span<const int64_t> counts,
                                            const DetectionOptions& options);

/// 10, 20, 50, 100, 200, 500, ... below n, and n itself; nothing for n = 0.
std::vector<int64_t> detection_counts(int64_t n);

/// The number of questions at which the curve first reaches a rate and stays there, linear between its points.
std::optional<double> questions_for_rate(std::span<const DetectionPoint> curve, double rate);

/// The area under the ROC curve between two groups of values: the chance that one of `high` is above one of `low`,
/// equal ones counting 1/2. Nothing for an empty group or a value that is NaN.
struct Auc {
  double area = 0;
  PermutationP p;  ///< that the groups are alike, by permuting ranks over the groups
};
std::optional<Auc> area_under_curve(std::span<const double> low, std::span<const double> high,
                                    const PermutationOptions& options);

}  // namespace hre
