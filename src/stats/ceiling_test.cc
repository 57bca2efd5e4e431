#include "stats/ceiling.h"

#include <gtest/gtest.h>

#include <cmath>

#include "stats/correlation.h"
#include "stats/test_simulation.h"

namespace hre {
namespace {

using testing_simulation::Simulator;

// Knuth's: products of uniform numbers; the tests' expectations are small enough.
int64_t poisson(Simulator& simulator, double expectation) {
  const double least = std::exp(-expectation);
  int64_t n = 0;
  for (double product = 1 - simulator.uniform(); product > least; product *= 1 - simulator.uniform()) ++n;
  return n;
}

struct World {
  const char* name;
  bool gamma;           ///< expectations of answers are gamma with shape 2, not log-normal as the model has them
  double mean, spread;  ///< of log expectations, between answers; questions differ by a spread of 0.8
  double down;          ///< votes against by votes for; 0: none
  size_t answers = 4;
};

/// A question's votes; `expected` gets what they are on average.
VoteCounts question_of(Simulator& simulator, const World& world, std::vector<double>& expected) {
  VoteCounts votes;
  expected.clear();
  const double level = world.mean + 0.8 * simulator.normal();
  for (size_t i = 0; i < world.answers; ++i) {
    const double deviation = world.gamma
                                 ? std::log(-std::log((1 - simulator.uniform()) * (1 - simulator.uniform())) / 2)
                                 : world.spread * simulator.normal();
    const double up = std::exp(std::min(level + deviation, 6.0));
    const double down = world.down > 0 ? world.down * std::exp(level + 0.6 * simulator.normal()) : 0;
    votes.up.push_back(poisson(simulator, up));
    votes.down.push_back(poisson(simulator, down));
    expected.push_back(up - down);
  }
  return votes;
}

/// The mean r of votes and expectations over so many questions: what the ceiling is to be.
double true_ceiling(const World& world) {
  Simulator simulator(987654321);
  double sum = 0, n = 0;
  std::vector<double> expected;
  for (int i = 0; i < 30000; ++i) {
    const VoteCounts votes = question_of(simulator, world, expected);
    std::vector<double> differences;
    for (size_t k = 0; k < votes.up.size(); ++k)
      differences.push_back(static_cast<double>(votes.up[k] - votes.down[k]));
    if (const auto r = pearson(differences, expected)) {
      sum += *r;
      n += 1;
    }
  }
  return sum / n;
}

std::vector<VoteCounts> questions_of(const World& world, size_t n, uint64_t run) {
  Simulator simulator(20250202, run);
  std::vector<VoteCounts> questions;
  std::vector<double> expected;
  while (questions.size() < n) questions.push_back(question_of(simulator, world, expected));
  return questions;
}

TEST(Ceiling, RecoversAKnownOne) {
  const World worlds[] = {{"many votes", false, 2, 1, 0},       {"few votes", false, 0.3, 0.8, 0},
                          {"little between", false, 0, 0.5, 0}, {"votes against", false, 1, 1, 0.3},
                          {"another shape", true, 1, 0, 0},     {"ten answers", false, 1, 0.8, 0, 10},
                          {"two answers", false, 1, 0.8, 0, 2}};
  for (const World& world : worlds) {
    SCOPED_TRACE(world.name);
    const double truth = true_ceiling(world);
    EXPECT_GT(truth, 0.3);
    const VoteCeiling ceiling = vote_ceiling(questions_of(world, 1000, 1));
    EXPECT_NEAR(*ceiling.mean, truth, 0.03);
    EXPECT_GT(*ceiling.reliability, 0);
    EXPECT_LT(*ceiling.reliability, 1);
    ASSERT_TRUE(ceiling.interval);
    EXPECT_TRUE(ceiling.interval->contains(*ceiling.mean));
    EXPECT_LT(ceiling.interval->width(), 0.15);
  }
}

TEST(Ceiling, ItsIntervalHoldsTheTruth) {
  const World world{"few votes", false, 0.5, 0.8, 0};
  const double truth = true_ceiling(world);
  int held = 0;
  for (uint64_t run = 1; run <= 25; ++run) {
    held += vote_ceiling(questions_of(world, 260, run)).interval->contains(truth) ? 1 : 0;
  }
  EXPECT_GE(held, 20);  // 93 %, and three standard errors
}

// Where answers differ in nothing, votes are chance: the ceiling is low, and far from that of votes that mean
// something.
TEST(Ceiling, OfVotesWithoutMeaning) {
  const VoteCeiling ceiling = vote_ceiling(questions_of({"equal", false, 1, 0, 0}, 2000, 3));
  EXPECT_LT(*ceiling.mean, 0.2);
  EXPECT_GE(*ceiling.mean, -0.02);
}

// Questions with equal votes are left out, which has to be made up for in what is expected here: none has.
TEST(Ceiling, ReliabilityIsTheShareOfVariance) {
  for (const double down : {0.0, 0.4}) {
    Simulator simulator(5);
    std::vector<VoteCounts> questions;
    std::vector<double> expected;
    double known = 0, all = 0;
    for (int i = 0; i < 4000; ++i) {
      questions.push_back(question_of(simulator, {"many votes", false, 3, 0.3, down}, expected));
      std::vector<double> votes;
      for (size_t k = 0; k < 4; ++k)
        votes.push_back(static_cast<double>(questions.back().up[k] - questions.back().down[k]));
      known += moments(expected).variance;
      all += moments(votes).variance;
    }
    EXPECT_NEAR(*vote_ceiling(questions, {.draws = 1}).reliability, known / all, 0.015) << down;
  }
  EXPECT_NEAR(*vote_ceiling(questions_of({"equal", false, 3, 0, 0}, 2000, 3)).reliability, 0, 0.05);
}

TEST(Ceiling, OfFewQuestions) {
  EXPECT_FALSE(vote_ceiling({}).mean);
  const std::vector<VoteCounts> equal(300, {{2, 2, 2}, {0, 0, 0}});
  EXPECT_EQ(vote_ceiling(equal).questions, 0) << "votes that are all equal have no r";
  EXPECT_FALSE(vote_ceiling(equal).mean);
  const auto questions = questions_of({"few votes", false, 1, 1, 0.2}, 150, 4);
  const VoteCeiling ceiling = vote_ceiling(questions);
  EXPECT_TRUE(ceiling.mean);
  EXPECT_FALSE(ceiling.interval);
  CeilingOptions one;
  one.threads = 1;
  EXPECT_EQ(vote_ceiling(questions_of({"threads", false, 1, 1, 0}, 300, 5), one).interval->low,
            vote_ceiling(questions_of({"threads", false, 1, 1, 0}, 300, 5)).interval->low);
}

}  // namespace
}  // namespace hre
