#pragma once
/// What so many questions can tell: power of the paired t test, by the noncentral t distribution.
///
/// `effect` is the true mean difference over the standard deviation of the differences (d_z); tests are two-sided.

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "stats/grouped.h"
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

/// The 95 % interval of the effect of paired differences, topic after topic: the weighted mean by the deviation that
/// gives its standard error. By the delta method, with the skewness and the tails that the differences have: the
/// noncentral t takes them for normal, and held an effect of 0.4 in 73 to 75 % of the cases where one question in
/// twenty is lost outright. Student's t with the degrees of freedom that such tails leave to the deviation. Nothing
/// below kFewestForEffect questions, where such losses may not have been seen, for differences without spread, and
/// where a small topic of equal weight leaves less than kFewestDegreesForEffect to the error (planned_degrees).
std::optional<Interval> effect_interval(std::span<const double> differences, std::span<const size_t> sizes,
                                        Weights weights);
constexpr size_t kFewestForEffect = 200;
constexpr double kFewestDegreesForEffect = 95;

/// What the effect seen says of the questions that find it again: a guess with a wide interval, since p and this number
/// are two views of the same effect.
struct QuestionsForEffect {
  std::optional<int64_t> n;     ///< if the effect seen is the true one
  std::optional<int64_t> low;   ///< if it is as large as the interval allows
  std::optional<int64_t> high;  ///< if it is as small; nothing where the interval holds 0: no number is enough for sure
};
QuestionsForEffect questions_for_effect(double effect, const Interval& interval, const TestLevels& levels);

struct DetectionPoint {
  int64_t n = 0;        ///< questions
  double rate = 0;      ///< the chance that A is found better than B, if the effect seen is the true one
  double opposite = 0;  ///< that B is found better
  Interval rate95;      ///< of the rate, by the interval of the effect
};

/// How few questions are enough: for each n of `counts`, the chance that a two-sided paired t test at alpha finds an
/// effect that was seen, and for the ends of its interval. n < 2 detects nothing.
std::vector<DetectionPoint> detection_curve(double effect, const Interval& interval, std::span<const int64_t> counts,
                                            double alpha);

/// 10, 20, 50, 100, 200, 500, ... below n, and n itself; nothing for n = 0.
std::vector<int64_t> detection_counts(int64_t n);

/// The area under the ROC curve between two groups of values: the chance that one of `high` is above one of `low`,
/// equal ones counting 1/2. Nothing for an empty group or a value that is NaN.
struct Auc {
  double area = 0;
  PermutationP p;  ///< that the groups are alike, by permuting ranks over the groups
};
std::optional<Auc> area_under_curve(std::span<const double> low, std::span<const double> high,
                                    const PermutationOptions& options);

}  // namespace hre
