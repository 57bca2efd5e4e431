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

struct Layout {
  const char* name;
  std::vector<size_t> sizes;
  double most;  ///< where topics differ and can't tell their own spread, intervals hold more often than they say
};

std::vector<Layout> layouts() {
  return {{"5 in one topic", {5}, 0.97},
          {"30 in one topic", {30}, 0.97},
          {"30 in 6", equal_topics(30, 6), 0.99},
          {"100 in 5", equal_topics(100, 5), 0.97},
          {"100 topics of one question", single_questions(100), 0.99},
          {"2 beside 18", {2, 18}, 0.97},
          {"5 beside 95", {5, 95}, 0.97},
          {"25 beside 75", {25, 75}, 0.97},
          {"3 beside thirteen of 100", {100, 100, 100, 100, 100, 100, 100, 100, 100, 100, 100, 100, 100, 3}, 0.97},
          {"10, half in topics of one", mostly_singles(10), 0.99},
          {"100, half in topics of one", mostly_singles(100), 0.99}};
}

/// At least 93 %, and three standard errors of a share of so many simulations.
double at_least(int simulations) { return 0.93 - 3 * std::sqrt(0.05 * 0.95 / simulations); }

TEST(Simulation, IntervalsHoldTheTruth) {
  const Effort effort{.simulations = 600, .draws = 400, .truth_questions = kTruth};
  for (const Layout& layout : layouts()) {
    for (const Weights weights : {Weights::kQuestions, Weights::kTopics}) {
      SCOPED_TRACE(std::string(layout.name) + (weights == Weights::kTopics ? ", topics" : ", questions"));
      const bool enough = enough_for_interval(layout.sizes, weights);
      const Coverage bootstrap = bootstrap_coverage(layout.sizes, weights, effort);
      EXPECT_EQ(bootstrap.given > 0, enough);
      if (bootstrap.given > 0) {
        EXPECT_GE(bootstrap.held, at_least(600));
        EXPECT_LE(bootstrap.held, layout.most + 0.02);
      }
      const size_t n = std::accumulate(layout.sizes.begin(), layout.sizes.end(), size_t{0});
      const Coverage student = student_coverage(layout.sizes, weights, effort);
      EXPECT_EQ(student.given, weights == Weights::kTopics ? enough : n >= kFewestForInterval);
      if (student.given == 0) continue;
      EXPECT_GE(student.held, at_least(600));
      EXPECT_LE(student.held, layout.most + 0.02);
    }
  }
}

TEST(Simulation, NewerAgainstOlder) {
  const Effort effort{.simulations = 600, .truth_questions = kTruth};
  const std::vector<size_t> five = {5, 40}, forty = {40, 40};
  EXPECT_EQ(older_coverage(five, forty, effort).given, 0) << "five new questions tell too little of their spread";
  for (const auto& newer : {std::vector<size_t>{20, 20}, {40, 15}}) {
    EXPECT_GE(older_coverage(newer, forty, effort).held, at_least(600));
    EXPECT_LE(older_coverage(newer, forty, effort).held, 0.99);
  }
}

TEST(Simulation, OtherIntervalsHoldTheTruth) {
  const Effort effort{.simulations = 1000, .draws = 400, .truth_questions = kTruth};
  const double least = at_least(1000);
  for (const size_t n : {5, 30, 100}) {
    SCOPED_TRACE(n);
    const Coverage paired = paired_coverage(n, effort);
    EXPECT_EQ(paired.given, n < 30 ? 0 : 1);
    if (n >= 30) {
      EXPECT_GE(paired.held, least);
      EXPECT_LE(paired.held, 0.98);
    }
    EXPECT_GE(exact_coverage(n, 0.25, effort).held, 0.95 - 0.02);
    for (const double others : {0.05, 0.1}) {
      const Coverage losses = loss_coverage(n, others, effort);
      EXPECT_LT(losses.given, 0.9);
      if (losses.given > 0) {
        EXPECT_GE(losses.held, least) << others;
      }
    }
    EXPECT_EQ(effect_coverage({n}, Weights::kQuestions, 0.1, Spread::kEven, effort).given, 0);
    for (const double scores : {0.0, 0.4}) {
      const CovariateWorld world{4, 0.5, scores, 0.15, 1};
      for (const bool beyond : {false, true}) {
        const Coverage parts = parts_coverage(n, world, beyond, effort);
        if (n < 50) {
          EXPECT_EQ(parts.given, 0);
        } else {
          EXPECT_GT(parts.given, beyond ? 0.999 : 0.95);
        }
        if (parts.given > 0) {
          EXPECT_GE(parts.held, least) << beyond << ' ' << scores;
        }
      }
    }
  }
  EXPECT_LT(parts_coverage(100, {4, 0, 0, 0.15, 1}, false, effort).given, 0.01) << "of two slopes that are 0";
  for (const Spread spread : {Spread::kEven, Spread::kTails, Spread::kSeldom, Spread::kSeldomLosses}) {
    const Coverage coverage = effect_coverage({200}, Weights::kQuestions, 0.2, spread, effort);
    EXPECT_GE(coverage.held, least) << static_cast<int>(spread);
    EXPECT_EQ(coverage.given, 1);
  }
  for (const CorrelationKind kind :
       {CorrelationKind::kPearson, CorrelationKind::kSpearman, CorrelationKind::kKendall}) {
    for (const size_t n : {4, 5, 12}) {
      for (const double rho : {0.0, 0.5, 0.9}) {
        const Coverage coverage = agreement_coverage(kind, n, rho, effort);
        if (coverage.given > 0) {
          EXPECT_GE(coverage.held, least) << n << ' ' << rho;
        }
        EXPECT_EQ(coverage.given > 0, kind == CorrelationKind::kPearson || n >= 10);
      }
    }
  }
  for (const bool uneven : {false, true}) {
    EXPECT_GE(cluster_coverage(200, 10, uneven, false, effort).held, least) << uneven;
    EXPECT_GE(cluster_coverage(600, 30, uneven, true, effort).held, least) << uneven;
  }
  EXPECT_EQ(cluster_coverage(80, 4, false, false, effort).given, 0) << "too few clusters to tell";
  EXPECT_GE(author_coverage(100, 400, false, effort).held, least);
  EXPECT_EQ(author_coverage(100, 25, false, effort).given, 0) << "nearly all questions share an author";
  EXPECT_GE(line_coverage(6, 1, effort).held, least);
  EXPECT_EQ(metric_coverage(pearson, 3, 5, effort).given, 0);
  EXPECT_GE(metric_coverage(pearson, 3, 30, effort).held, least);
  EXPECT_GE(metric_coverage(pearson, 4, 30, effort, 1.2).held, least);
  EXPECT_EQ(effect_coverage({10, 190}, Weights::kTopics, 0.1, Spread::kEven, effort).given, 0);
  EXPECT_GE(metric_coverage(ndcg, 4, 30, effort).held, least);
}

TEST(Simulation, StatisticsOfQuestionsAndModelsAreNeutralAtTheirNeutralValue) {
  for (const Neutral& line : neutral_lines(400)) {
    for (const double value : line.null) EXPECT_NEAR(value, line.neutral, 4 * line.error) << line.quantity;
    for (const double value : line.recovered) {
      EXPECT_LE(value, 1.05 * line.truth + 4 * line.error) << line.quantity;
      EXPECT_GE(value, (0.95 - line.low) * line.truth - 4 * line.error) << line.quantity;
    }
  }
}

TEST(Simulation, RanksErrSeldom) {
  EXPECT_LE(many_run_errors(60, 4, {.simulations = 1000, .draws = 399}), five_percent(1000));
}

TEST(Simulation, OfEqualMeansNoneIsCalledBetter) {
  const Effort effort{.simulations = 400, .draws = 299};
  for (const size_t n : {30, 200}) {
    for (const auto losses :
         {std::optional(Losses::kSeldom), std::optional(Losses::kButForSeldomGains), std::optional<Losses>()}) {
      EXPECT_LE(skewed_errors(n, losses, effort), five_percent(400)) << n << ' ' << losses.has_value();
    }
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
  EXPECT_EQ(bootstrap_coverage({30}, Weights::kQuestions, one).held,
            bootstrap_coverage({30}, Weights::kQuestions, two).held);
  EXPECT_EQ(false_positives(30, one), false_positives(30, two));
}

}  // namespace
}  // namespace hre
