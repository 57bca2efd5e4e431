#pragma once
/// Whether a run is worse than another by more than a margin: what `hre gate` and `hre compare` decide.

#include <cstdint>
#include <functional>
#include <optional>
#include <span>

#include "stats/comparison.h"

namespace hre {

/// Is A worse than B by more than a margin?
enum class GateVerdict {
  kPass,          ///< A - B is above -margin
  kFail,          ///< A - B is below -margin
  kInconclusive,  ///< these questions can't tell, or are fewer than kFewestForVerdict
};
const char* gate_verdict_name(GateVerdict verdict);

/// A against one other run. The verdict is at a level over all that is decided together: at 5 %, where A - B is exactly
/// -margin for each of several runs, 2.5 % of the calls end with a failure. A verdict needs the test and the interval
/// that is shown: of skewed differences, the interval notices the tail sooner.
struct GateDecision {
  size_t against = 0;  ///< run, by position
  double margin = 0;   ///< >= 0
  int64_t questions = 0;
  std::optional<double> difference;  ///< A - B
  std::optional<double> deviation;   ///< of single questions' differences; nothing where it is not known
  std::optional<double> p, p_holm;   ///< that A is worse by the margin; adjusted over all that is decided together
  GateVerdict verdict = GateVerdict::kInconclusive;
  /// Questions with which a model as good as B passes with 80 % chance; nothing for margin 0, where the deviation is
  /// not known, or where 10^12 are too few.
  std::optional<int64_t> questions_needed;
};

/// A against B, without a verdict, which depends on what else is decided with it.
GateDecision gate_decision(std::span<const double> a, std::span<const double> b, std::span<const size_t> sizes,
                           double margin, const ComparisonOptions& options);

/// How much better A is: the interval that is shown, of A - B, or of B - A where lower values are better. All
/// differences equal: that difference. Otherwise, without an interval, anything.
Interval gain_of(const PairedComparison& pair, bool lower_is_better);

/// The verdicts on all that is decided together, at a level over all of them. The interval of a gain is asked for where
/// the test alone does not leave the verdict open.
void decide_gates(std::span<GateDecision* const> decisions, double level,
                  const std::function<Interval(size_t)>& interval_of_gain);

}  // namespace hre
