#pragma once
/// For tests and benchmarks: how often gates err.

#include <algorithm>
#include <numeric>
#include <span>
#include <vector>

#include "analysis/gate_decision.h"
#include "stats/test_simulation.h"

namespace hre::testing_simulation {

/// The first run against each of the others, at a level over all of them.
inline std::vector<GateDecision> gate(std::span<const std::span<const double>> runs, std::span<const size_t> sizes,
                                      double margin, const ComparisonOptions& options, double level = 0.05) {
  std::vector<GateDecision> decisions;
  std::vector<GateDecision*> all;
  decisions.reserve(runs.size());
  for (size_t i = 1; i < runs.size(); ++i) {
    decisions.push_back(gate_decision(runs[0], runs[i], sizes, margin, options));
    all.push_back(&decisions.back());
  }
  decide_gates(all, level, [&](size_t i) {
    const auto differences = weighted_differences(runs[0], runs[i + 1], sizes, Weights::kQuestions);
    PairedComparison pair;
    pair.difference = weighted_estimate(differences, sizes, options.weights);
    pair.bootstrap = bootstrap_interval(differences, sizes, options.bootstrap());
    return gain_of(pair, options.lower_is_better);
  });
  return decisions;
}

/// How often a gate fails a model whose difference is exactly at the margin, or passes one.
inline double gate_errors(size_t n, double margin, Losses losses, GateVerdict verdict, const Effort& effort) {
  return share_of(effort.simulations, effort.threads, [&](Simulator& simulator, size_t i) {
    std::vector<double> a(n), b(n);
    for (size_t k = 0; k < n; ++k) {
      if (losses == Losses::kEverywhere) {
        const std::vector<double> values = simulator.question({0.2, 0.2});
        a[k] = values[0] - margin;
        b[k] = values[1];
      } else {
        b[k] = simulator.question({0.2}).front();
        const bool seldom = simulator.uniform() < 0.05;
        a[k] = b[k] + (losses == Losses::kSeldom ? (seldom ? -20 * margin : 0) : (seldom ? 18 * margin : -2 * margin));
      }
    }
    const std::span<const double> runs[] = {a, b};
    const ComparisonOptions options{.draws = effort.draws, .permutations = effort.draws, .seed = i, .threads = 1};
    return gate(runs, std::vector<size_t>{n}, margin, options).front().verdict == verdict;
  });
}

/// A run against a baseline in several checks, each with differences of deviation 0.5 around the same mean.
struct GateWorld {
  size_t questions = 0;
  size_t checks = 1;
  double difference = 0;  ///< the mean
  int skew = 0;           ///< 0 normal; 1 exponential, a few large gains; -1 a few large losses
};
constexpr double kGateMargin = 0.1;

/// How often a gate passes, and fails.
struct GateShares {
  double pass = 0, fail = 0;
};
/// `verdicts_of` gets a simulator and the simulation's number.
template <class VerdictsOf>
GateShares gate_shares_of(const Effort& effort, VerdictsOf verdicts_of) {
  std::vector<char> passed(static_cast<size_t>(effort.simulations)), failed(passed.size());
  in_chunks(passed.size(), effort.threads, [&](size_t begin, size_t end) {
    for (size_t i = begin; i < end; ++i) {
      Simulator simulator(20240601, i + 1);
      const std::vector<GateVerdict> verdicts = verdicts_of(simulator, i);
      passed[i] = std::ranges::count(verdicts, GateVerdict::kPass) > 0;
      failed[i] = std::ranges::count(verdicts, GateVerdict::kFail) > 0;
    }
  });
  return {std::accumulate(passed.begin(), passed.end(), 0.0) / effort.simulations,
          std::accumulate(failed.begin(), failed.end(), 0.0) / effort.simulations};
}

/// How often any of the checks passes, and any fails.
inline GateShares gate_shares(const GateWorld& world, const Effort& effort) {
  return gate_shares_of(effort, [&](Simulator& simulator, size_t i) {
    std::vector<std::vector<double>> values(1 + world.checks, std::vector<double>(world.questions));
    for (std::vector<double>& baseline : std::span(values).subspan(1)) {  // the run's values are 0
      for (double& value : baseline) {
        const double spread =
            world.skew == 0 ? simulator.normal() : world.skew * spread_value(simulator, Spread::kSkewed);
        value = -(world.difference + 0.5 * spread);
      }
    }
    const std::vector<std::span<const double>> runs(values.begin(), values.end());
    std::vector<GateVerdict> verdicts;
    for (const GateDecision& decision :
         gate(runs, std::vector<size_t>{world.questions}, kGateMargin,
              {.draws = effort.draws, .permutations = effort.draws, .seed = i, .threads = 1})) {
      verdicts.push_back(decision.verdict);
    }
    return verdicts;
  });
}

/// The verdict on a run that is scored question by question and is worse by exactly its margin: that of the confidence
/// sequence where it decides, else that of all questions, at half the level each.
inline GateShares early_gate_shares(size_t n, const Effort& effort) {
  const double margin = true_mean(0.35, effort.truth_questions) - true_mean(0.2, effort.truth_questions);
  constexpr double kHalf = 0.025;
  return gate_shares_of(effort, [&](Simulator& simulator, size_t i) -> std::vector<GateVerdict> {
    const std::vector<double> differences = simulator.differences(0.2, 0.35, n), zeros(n);
    StoppingRule rule = StoppingRule::decided({-2, 2}, -margin, kHalf);
    for (const double one : differences) {
      if (rule.add(one)) return {rule.interval().low > -margin ? GateVerdict::kPass : GateVerdict::kFail};
    }
    const std::span<const double> runs[] = {differences, zeros};
    const ComparisonOptions options{.draws = effort.draws, .permutations = effort.draws, .seed = i, .threads = 1};
    return {gate(runs, std::vector<size_t>{n}, margin, options, kHalf).front().verdict};
  });
}

}  // namespace hre::testing_simulation
