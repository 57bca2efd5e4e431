#include "analysis/power.h"

#include <algorithm>
#include <cmath>

#include "stats/correlation.h"
#include "stats/estimate.h"

namespace hre {
namespace {

// Correlations between two models' values that a run alone can't tell: unrelated, usual, close kin.
constexpr double kAssumed[] = {0, 0.5, 0.8};

std::vector<int64_t> curve_counts(int64_t n) {
  std::vector<int64_t> counts = {30, 100, 300, 1000, 3000, 7000, 10000, 30000};
  counts.push_back(n);
  std::ranges::sort(counts);
  counts.erase(std::unique(counts.begin(), counts.end()), counts.end());
  return counts;
}

PowerCase case_of(std::optional<double> correlation, double deviation, const RunPower& power) {
  const TestLevels& levels = power.options.levels;
  const auto smallest = [&](int64_t n) -> std::optional<double> {
    const auto effect = detectable_effect(n, levels);
    return effect ? std::optional(*effect * deviation) : std::nullopt;
  };
  PowerCase result{correlation, deviation, smallest(power.questions), {}, {}};
  const auto& difference = power.options.difference;
  const bool known = difference && deviation > 0;
  if (known) result.needed = questions_needed(*difference / deviation, levels);
  for (const int64_t n : curve_counts(power.questions)) {
    PowerPoint point{n, smallest(n), {}};
    if (known) point.power = paired_power(*difference / deviation, n, levels.alpha);
    result.curve.push_back(point);
  }
  return result;
}

void add_pair(const SharedQuestions& shared, RunPower& power) {
  const auto& a = shared.values[0];
  const auto& b = shared.values[1];
  set_metric(*power.options.compare.metric, shared.values, power.options.compare.statistics);
  power.seen = compare_paired(a, b, shared.sizes, power.options.compare.statistics);
  power.cases.push_back(case_of(pearson(a, b), *deviation_of(power.seen->difference, a.size()), power));
  const auto effect = effect_of_gain(*power.seen, power.options.compare.metric->lower_is_better);
  if (!effect) return;
  power.needed_for_seen = questions_for_effect(effect->size, effect->interval, power.options.levels);
  power.detection =
      detection_curve(effect->size, effect->interval, detection_counts(power.shared), power.options.levels.alpha);
}

}  // namespace

Result<RunPower> run_power(std::span<const Run* const> runs, const PowerOptions& options) {
  if (runs.empty() || runs.size() > 2) return input_error("power needs one run or two");
  RunPower power;
  power.options = options;
  auto metric = metric_for(runs, options.compare.metric);
  if (!metric) return forward(metric);
  power.options.compare.metric = *metric;
  auto described = describe_runs(runs, power.options.compare);
  if (!described) return forward(described);
  const SharedQuestions& shared = described->shared;
  power.undefined_policy = described->undefined;
  power.notes = std::move(described->notes);
  power.runs = std::move(described->runs);
  power.shared = static_cast<int64_t>(shared.n());
  power.undefined = shared.undefined;
  power.questions = options.questions.value_or(power.shared);
  const Estimate mean = weighted_estimate(shared.values.front(), shared.sizes, options.compare.statistics.weights);
  if (!mean.stderr_)
    return input_error("there are too few questions to estimate the spread of values", "",
                       "give runs with more questions");
  if (runs.size() == 2) {
    add_pair(shared, power);
    return power;
  }
  const double deviation = *deviation_of(mean, shared.n());
  for (const double r : kAssumed) power.cases.push_back(case_of(r, paired_deviation(deviation, deviation, r), power));
  return power;
}

}  // namespace hre
