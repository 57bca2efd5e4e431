#include "stats/ceiling.h"

#include <gtest/gtest.h>

#include <cmath>

#include "stats/correlation.h"
#include "stats/test_simulation.h"
#include "stats/test_table.h"

namespace hre {
namespace {

using namespace testing_simulation;

std::vector<VoteCounts> questions_of(const CountWorld& world, size_t n, uint64_t run) {
  Simulator simulator(20250202, run);
  std::vector<VoteCounts> questions;
  std::vector<double> expected;
  while (questions.size() < n) questions.push_back(counted_question(simulator, world, expected));
  return questions;
}

TEST(Ceiling, RecoversAKnownOne) {
  const std::pair<const char*, CountWorld> worlds[] = {
      {"many votes", {false, 2, 1, 0}},       {"few votes", {false, 0.3, 0.8, 0}},
      {"little between", {false, 0, 0.5, 0}}, {"votes against", {false, 1, 1, 0.3}},
      {"another shape", {true, 1, 0, 0}},     {"ten answers", {false, 1, 0.8, 0, 10}},
      {"two answers", {false, 1, 0.8, 0, 2}}};
  for (const auto& [name, world] : worlds) {
    SCOPED_TRACE(name);
    const double truth = true_ceiling(world, 30000).ceiling;
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

// Fitted by scipy over other nodes, with expectations weighted by the counts instead of drawn given them.
TEST(Ceiling, MeanAsByWeightedDraws) {
  const auto rows = testing_tables::read_table("ceiling");
  ASSERT_GE(rows.size(), 4U);
  for (const auto& row : rows) {
    SCOPED_TRACE(row.place);
    std::vector<VoteCounts> questions;
    for (const std::string& one : testing_tables::split(row.text("counts"), ';')) {
      std::istringstream words(one);
      VoteCounts& question = questions.emplace_back();
      question.up.assign(std::istream_iterator<int64_t>(words), {});
      question.down.resize(question.up.size());
    }
    EXPECT_NEAR(*vote_ceiling(questions, {.draws = 40}).mean, *row.number("mean"), 0.01);
  }
}

TEST(Ceiling, ItsIntervalHoldsTheTruth) {
  const Effort effort{.simulations = 40};
  const double least = 0.93 - 3 * std::sqrt(0.05 * 0.95 / 40);
  for (const bool gamma : {false, true}) {
    const auto no_share = [](const Estimate&, const VoteCeiling&) { return std::optional<Interval>(); };
    const CeilingCoverage coverage = ceiling_coverage({gamma}, 220, effort, no_share);
    EXPECT_EQ(coverage.ceiling.given, 1);
    EXPECT_GE(coverage.ceiling.held, least) << gamma;
  }
}

// Where answers differ in nothing, votes are chance: the ceiling is low, and far from that of votes that mean
// something.
TEST(Ceiling, OfVotesWithoutMeaning) {
  const VoteCeiling ceiling = vote_ceiling(questions_of({false, 1, 0, 0}, 2000, 3));
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
      questions.push_back(counted_question(simulator, {false, 3, 0.3, down}, expected));
      std::vector<double> votes;
      for (size_t k = 0; k < 4; ++k)
        votes.push_back(static_cast<double>(questions.back().up[k] - questions.back().down[k]));
      known += moments(expected).variance;
      all += moments(votes).variance;
    }
    EXPECT_NEAR(*vote_ceiling(questions, {.draws = 1}).reliability, known / all, 0.015) << down;
  }
  EXPECT_NEAR(*vote_ceiling(questions_of({false, 3, 0, 0}, 2000, 3)).reliability, 0, 0.05);
}

TEST(Ceiling, OfFewQuestions) {
  EXPECT_FALSE(vote_ceiling({}).mean);
  const std::vector<VoteCounts> equal(300, {{2, 2, 2}, {0, 0, 0}});
  EXPECT_EQ(vote_ceiling(equal).questions, 0) << "votes that are all equal have no r";
  EXPECT_FALSE(vote_ceiling(equal).mean);
  const auto questions = questions_of({false, 1, 1, 0.2}, 150, 4);
  const VoteCeiling ceiling = vote_ceiling(questions);
  EXPECT_TRUE(ceiling.mean);
  EXPECT_FALSE(ceiling.interval);
  CeilingOptions one;
  one.threads = 1;
  EXPECT_EQ(vote_ceiling(questions_of({false, 1, 1, 0}, 300, 5), one).interval->low,
            vote_ceiling(questions_of({false, 1, 1, 0}, 300, 5)).interval->low);
}

}  // namespace
}  // namespace hre
