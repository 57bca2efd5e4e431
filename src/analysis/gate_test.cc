// Verdicts of gates. Seeds of the simulations are fixed; bench/stats_simulation.cc has the full counts.

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <random>

#include "analysis/gate_decision.h"
#include "analysis/test_gates.h"

namespace hre {
namespace {

using namespace testing_simulation;
using Values = std::vector<double>;
using Sizes = std::vector<size_t>;

constexpr size_t kTruth = 60000;

/// 5 % and three standard errors of a share of so many simulations.
double five_percent(int simulations) { return 0.05 + 3 * std::sqrt(0.05 * 0.95 / simulations); }

// Correlations that two runs share in part: question difficulty plus each run's own noise.
std::vector<Values> related_runs(size_t runs, size_t questions, double step, unsigned seed) {
  std::mt19937 random(seed);
  std::normal_distribution<double> normal;
  Values difficulty(questions);
  for (double& value : difficulty) value = normal(random);
  std::vector<Values> values(runs, Values(questions));
  for (size_t run = 0; run < runs; ++run) {
    for (size_t i = 0; i < questions; ++i) {
      values[run][i] = std::tanh(0.6 * difficulty[i] + 0.3 * normal(random) + step * static_cast<double>(run));
    }
  }
  return values;
}

std::vector<std::span<const double>> spans(const std::vector<Values>& values) { return {values.begin(), values.end()}; }

// A model passes against itself, and nobody passes on few questions.
TEST(Gate, EqualRunsPassFromEnoughQuestionsOn) {
  for (const size_t n : {size_t{199}, size_t{200}}) {
    const std::vector<Values> runs(2, Values(n, 0.25));
    const GateVerdict expected = n < 200 ? GateVerdict::kInconclusive : GateVerdict::kPass;
    const GateDecision decision = gate(spans(runs), Sizes{n}, 0.1, {.draws = 100}).front();
    EXPECT_EQ(decision.verdict, expected) << n;
    EXPECT_EQ(decision.questions_needed, 200);
  }
}

TEST(Gate, StrictAndLenient) {
  auto values = related_runs(3, 400, 0, 16);
  for (double& value : values[1]) value += 0.5;   // far better than the first
  for (double& value : values[2]) value += 0.02;  // a little
  const auto strict = gate(spans(values), Sizes{400}, 0, {});
  ASSERT_EQ(strict.size(), 2U);
  EXPECT_EQ(strict[0].verdict, GateVerdict::kFail);
  EXPECT_FALSE(strict[0].questions_needed) << "no number shows that two are exactly equal";
  const auto lenient = gate(spans(values), Sizes{400}, 0.3, {});
  EXPECT_EQ(lenient[0].verdict, GateVerdict::kFail);
  EXPECT_EQ(lenient[1].verdict, GateVerdict::kPass);
  EXPECT_GT(*lenient[1].questions_needed, 2);
  EXPECT_LE(lenient[1].p, lenient[1].p_holm);
  const double difference = *strict[1].difference;
  const auto at_margin = gate(spans(values), Sizes{400}, -difference, {});
  EXPECT_EQ(at_margin[1].verdict, GateVerdict::kInconclusive);
  EXPECT_GT(*at_margin[1].p, 0.9);
}

// With topics of equal weight, one topic of one question can't show its spread, and so nothing is known of the mean's.
TEST(Gate, IsOpenWhereNoSpreadIsKnown) {
  const Sizes sizes = {150, 100, 1};
  auto values = related_runs(2, 251, 0, 16);
  for (double& value : values[1]) value += 0.5;
  const ComparisonOptions options{.weights = Weights::kTopics};
  for (const bool swapped : {false, true}) {
    if (swapped) std::swap(values[0], values[1]);
    const PairedComparison pair = compare_paired(values[0], values[1], sizes, options);
    ASSERT_FALSE(interval_of(pair));
    EXPECT_EQ(gain_of(pair, false).low, -std::numeric_limits<double>::infinity());
    GateDecision decision = gate_decision(values[0], values[1], sizes, 0.1, options);
    EXPECT_LT(decision.p, 0.01);
    GateDecision* const all[] = {&decision};
    decide_gates(all, 0.05, [&](size_t) { return gain_of(pair, false); });
    EXPECT_EQ(decision.verdict, GateVerdict::kInconclusive);
    EXPECT_FALSE(decision.questions_needed);
  }
}

TEST(Gate, OfEqualDifferences) {
  const Values a(250, 0.3), b(250, 0.8);
  const PairedComparison pair = compare_paired(a, b, Sizes{250}, {});
  ASSERT_FALSE(interval_of(pair));
  EXPECT_EQ(gain_of(pair, false), (Interval{-0.5, -0.5}));
  EXPECT_EQ(gain_of(pair, true), (Interval{0.5, 0.5}));
}

TEST(Gate, ErrSeldom) {
  const Effort effort{.simulations = 1000, .draws = 399};
  for (const size_t n : {8, 30, 100}) {
    for (const Losses losses : {Losses::kEverywhere, Losses::kSeldom, Losses::kButForSeldomGains}) {
      EXPECT_LE(gate_errors(n, 0.05, losses, GateVerdict::kFail, effort), five_percent(1000)) << n;
      EXPECT_EQ(gate_errors(n, 0.05, losses, GateVerdict::kPass, effort), 0) << n << " questions are too few";
    }
  }
  EXPECT_LE(gate_errors(200, 0.05, Losses::kSeldom, GateVerdict::kPass, effort), five_percent(1000));
  EXPECT_LE(gate_errors(200, 0.05, Losses::kButForSeldomGains, GateVerdict::kFail, effort), five_percent(1000));
}

TEST(Gate, ErrSeldomAtInsideAndBeyondTheMargin) {
  const Effort effort{.simulations = 400, .draws = 399, .truth_questions = kTruth};
  for (const size_t n : {50, 200, 1000}) {
    for (const int skew : {0, 1, -1}) {
      for (const size_t checks : {1, 3}) {
        if (checks > 1 && n == 1000) continue;  // the bench has them
        SCOPED_TRACE(std::to_string(n) + " questions, skew " + std::to_string(skew) + ", " + std::to_string(checks));
        const GateShares at = gate_shares({n, checks, -kGateMargin, skew}, effort);
        EXPECT_LE(at.pass, five_percent(400));
        EXPECT_LE(at.fail, five_percent(400));
        const GateShares inside = gate_shares({n, checks, -kGateMargin / 2, skew}, effort);
        EXPECT_LE(inside.fail, 0.01);
        const GateShares beyond = gate_shares({n, checks, -1.5 * kGateMargin, skew}, effort);
        EXPECT_LE(beyond.pass, 0.01);
        if (n == 50) {
          EXPECT_EQ(inside.pass + beyond.fail, 0) << "too few questions for any verdict";
        }
        if (n == 1000) {
          EXPECT_GE(inside.pass, 0.75) << "and nearly all are noticed";
          EXPECT_GE(beyond.fail, 0.75);
        }
      }
    }
  }
  const GateShares early = early_gate_shares(300, effort);
  EXPECT_LE(early.pass, five_percent(400));
  EXPECT_LE(early.fail, five_percent(400));
}

}  // namespace
}  // namespace hre
