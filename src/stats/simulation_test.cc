// Does what claims coverage have it? At counts that take seconds; bench/stats_simulation.cc has the full ones.
// Seeds are fixed: these tests can't fail by chance. Bounds leave room for the simulation's own error, as many of its
// standard errors as the count needs, so that other seeds would pass as well.

#include <gtest/gtest.h>

#include <cmath>

#include "stats/test_simulation.h"

namespace hre {
namespace {

using namespace testing_simulation;

constexpr size_t kTruth = 60000;

/// 5 % and three standard errors of a share of so many simulations.
double five_percent(int simulations) { return 0.05 + 3 * std::sqrt(0.05 * 0.95 / simulations); }

TEST(Simulation, BootstrapIntervalsHoldTheTruth) {
  for (const auto& [n, topics] : {std::pair<size_t, size_t>{30, 1}, {30, 5}, {100, 5}, {500, 10}}) {
    const double coverage =
        bootstrap_coverage(n, topics, {.simulations = 1000, .draws = 800, .truth_questions = kTruth});
    EXPECT_GE(coverage, 0.93) << n << " in " << topics;
    EXPECT_LE(coverage, 0.97) << n << " in " << topics;
  }
}

TEST(Simulation, StudentIntervalsHoldTheTruth) {
  for (const size_t n : {30, 100, 500}) {
    const double coverage = student_coverage(n, 1, {.simulations = 2000, .truth_questions = kTruth});
    EXPECT_GE(coverage, 0.93) << n;
    EXPECT_LE(coverage, 0.97) << n;
  }
}

TEST(Simulation, PairedIntervalsHoldTheTruth) {
  for (const size_t n : {30, 100}) {
    const double coverage = paired_coverage(n, {.simulations = 1000, .draws = 800, .truth_questions = kTruth});
    EXPECT_GE(coverage, 0.93) << n;
    EXPECT_LE(coverage, 0.97) << n;
  }
}

TEST(Simulation, EqualModelsAreSeldomCalledDifferent) {
  for (const size_t n : {8, 30, 100}) {
    const double rate = false_positives(n, {.simulations = 2000, .draws = 399});
    EXPECT_LE(rate, five_percent(2000)) << n;
    EXPECT_GE(rate, 0.02) << n;  // nor does it shrink from calling anything different
  }
}

TEST(Simulation, LookingOftenDoesNotMislead) {
  const Effort effort{.simulations = 300, .truth_questions = kTruth};
  EXPECT_LE(sequence_errors(200, 1, effort), five_percent(300));
  EXPECT_LE(sequence_errors(300, 5, effort), five_percent(300));
  EXPECT_LE(paired_sequence_errors(200, effort), five_percent(300));
}

TEST(Simulation, ThreadsChangeNothing) {
  const Effort one{.simulations = 100, .draws = 99, .truth_questions = 2000, .threads = 1};
  Effort two = one;
  two.threads = 2;
  EXPECT_EQ(bootstrap_coverage(30, 1, one), bootstrap_coverage(30, 1, two));
  EXPECT_EQ(false_positives(30, one), false_positives(30, two));
}

}  // namespace
}  // namespace hre
