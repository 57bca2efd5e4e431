#include "analysis/gate_decision.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

#include "core/named.h"
#include "stats/estimate.h"
#include "stats/permutation.h"
#include "stats/power.h"

namespace hre {

const char* gate_verdict_name(GateVerdict verdict) {
  constexpr Named<GateVerdict> kNames[] = {
      {"pass", GateVerdict::kPass}, {"fail", GateVerdict::kFail}, {"inconclusive", GateVerdict::kInconclusive}};
  return name_of(kNames, verdict);
}

GateDecision gate_decision(std::span<const double> a, std::span<const double> b, std::span<const size_t> sizes,
                           double margin, const ComparisonOptions& options) {
  std::vector<double> differences(a.begin(), a.end());
  for (size_t i = 0; i < differences.size(); ++i) differences[i] -= b[i];
  const Estimate difference = weighted_estimate(differences, sizes, options.weights);
  GateDecision decision;
  decision.margin = margin;
  decision.questions = static_cast<int64_t>(a.size());
  decision.difference = difference.mean;
  decision.deviation = deviation_of(difference, a.size());
  const double worse = options.lower_is_better ? margin : -margin;
  if (const auto found = difference_p(a, b, sizes, worse, options)) decision.p = found->p;
  return decision;
}

void decide_gates(std::span<GateDecision* const> decisions, double level,
                  const std::function<Interval(size_t)>& interval_of_gain) {
  std::vector<std::optional<double>> p;
  for (const GateDecision* decision : decisions) p.push_back(decision->p);
  const auto adjusted = holm_adjust(p);
  const double share = level / static_cast<double>(decisions.size());
  for (size_t i = 0; i < decisions.size(); ++i) {
    GateDecision& decision = *decisions[i];
    decision.p_holm = adjusted[i];
    if (decision.margin > 0 && decision.deviation) {
      decision.questions_needed = *decision.deviation > 0
                                      ? questions_needed(decision.margin / *decision.deviation, {share, 0.8})
                                      : kFewestForVerdict;
      if (decision.questions_needed)
        decision.questions_needed = std::max(*decision.questions_needed, kFewestForVerdict);
    }
    if (adjusted[i].value_or(1) >= level || decision.questions < kFewestForVerdict) continue;
    const Interval gain = interval_of_gain(i);
    if (gain.low > -decision.margin) decision.verdict = GateVerdict::kPass;
    if (gain.high < -decision.margin) decision.verdict = GateVerdict::kFail;
  }
}

Interval gain_of(const PairedComparison& pair, bool lower_is_better) {
  constexpr double kAnything = std::numeric_limits<double>::infinity();
  const double difference = pair.difference.mean.value_or(0);
  // But for rounding, and not where the deviation is not known.
  const bool all_equal = pair.difference.stderr_.value_or(kAnything) <= 1e-12 * std::abs(difference);
  const Interval shown =
      interval_of(pair).value_or(all_equal ? Interval{difference, difference} : Interval{-kAnything, kAnything});
  return lower_is_better ? Interval{-shown.high, -shown.low} : shown;
}

}  // namespace hre
