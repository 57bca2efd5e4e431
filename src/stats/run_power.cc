#include "stats/run_power.h"

#include <algorithm>
#include <cmath>

#include "stats/correlation.h"
#include "stats/summary.h"

namespace hre {
namespace {

// Correlations between two models' values that a run alone can't tell: unrelated, usual, close kin.
constexpr double kAssumed[] = {0, 0.5, 0.8};

// The deviation of single questions' values that gives the mean's standard error: s, where questions weigh the same.
double deviation_of(const Estimate& mean, size_t n) { return *mean.stderr_ * std::sqrt(static_cast<double>(n)); }

Estimate mean_of(std::span<const double> values, std::span<const size_t> sizes, Weights weights) {
  return compare_paired(values, std::vector<double>(values.size(), 0.0), sizes, {weights, 0, 0, 0, 1}).difference;
}

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
  const bool known = power.difference && deviation > 0;
  if (known) result.needed = questions_needed(*power.difference / deviation, levels);
  for (const int64_t n : curve_counts(power.questions)) {
    PowerPoint point{n, smallest(n), {}};
    if (known) point.power = paired_power(*power.difference / deviation, n, levels.alpha);
    result.curve.push_back(point);
  }
  return result;
}

void add_pair(const SharedQuestions& shared, RunPower& power) {
  const auto& a = shared.values[0];
  const auto& b = shared.values[1];
  power.seen = compare_paired(a, b, shared.sizes, power.options.compare.statistics);
  if (!power.difference) power.difference = power.seen->difference.mean;
  std::vector<double> differences(a.size());
  std::ranges::transform(a, b, differences.begin(), std::minus<>());
  power.detection =
      detection_curve(differences, detection_counts(static_cast<int64_t>(a.size())), power.options.detection);
  power.cases.push_back(case_of(pearson(a, b), deviation_of(power.seen->difference, a.size()), power));
}

}  // namespace

Result<RunPower> run_power(std::span<const Run> runs, const PowerOptions& options) {
  if (runs.empty() || runs.size() > 2) return input_error("power is of one run or two");
  auto described = describe_runs(runs, options.compare);
  if (!described) return forward(described);
  const SharedQuestions& shared = described->shared;
  RunPower power;
  power.options = options;
  power.runs = std::move(described->runs);
  power.shared = static_cast<int64_t>(shared.n());
  power.undefined = shared.undefined;
  power.questions = options.questions.value_or(power.shared);
  power.difference = options.difference;
  const Estimate mean = mean_of(shared.values.front(), shared.sizes, options.compare.statistics.weights);
  if (!mean.stderr_) return input_error("there are too few questions to know how values spread", "", "give more");
  if (runs.size() == 2) {
    add_pair(shared, power);
    return power;
  }
  const double deviation = deviation_of(mean, shared.n());
  for (const double r : kAssumed) power.cases.push_back(case_of(r, paired_deviation(deviation, deviation, r), power));
  return power;
}

}  // namespace hre
