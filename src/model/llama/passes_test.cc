#include "model/llama/passes.h"

#include <gtest/gtest.h>

#include <random>
#include <set>

namespace hre {
namespace {

QuestionPlan plan_of(size_t n_prefix, const std::vector<size_t>& tails) {
  QuestionPlan plan;
  plan.prefix.assign(n_prefix, 1);
  for (const size_t tail : tails) {
    AnswerPlan answer;
    answer.tail.assign(tail, 2);
    answer.targets.assign(tail + 1, 3);  // the first is predicted by the prefix's last token
    plan.answers.push_back(answer);
  }
  return plan;
}

/// Every target of every answer is asked for once, whatever the passes are.
void expect_all_targets(const QuestionPlan& plan, const PassRules& rules) {
  std::multiset<std::pair<size_t, size_t>> asked;
  for (const Pass& pass : cut_into_passes(plan, rules)) {
    std::vector<Cell> cells = prefix_cells(plan, pass);
    for (size_t a = pass.first; a < pass.last; ++a) append_tail_cells(plan, a, 0, cells);
    for (const Cell& cell : cells) {
      for (const Target& target : cell.targets) asked.emplace(target.answer, target.index);
    }
  }
  size_t expected = 0;
  for (size_t a = 0; a < plan.answers.size(); ++a) {
    for (size_t t = 0; t < plan.answers[a].targets.size(); ++t, ++expected) {
      EXPECT_EQ(asked.count({a, t}), 1u) << a << " " << t;
    }
  }
  EXPECT_EQ(asked.size(), expected);
}

TEST(Passes, AskForEveryTargetOnce) {
  const unsigned seed = std::random_device()();
  SCOPED_TRACE(seed);
  std::mt19937 random(seed);
  for (int round = 0; round < 50; ++round) {
    std::vector<size_t> tails(1 + random() % 80);
    for (size_t& tail : tails) tail = random() % (round % 2 == 0 ? 20 : 900);
    const QuestionPlan plan = plan_of(1 + random() % 500, tails);
    for (const Passes mode : {Passes::kShared, Passes::kCopied, Passes::kPerAnswer}) {
      for (const int64_t long_above : {0, 256, 600}) expect_all_targets(plan, {mode, long_above});
    }
  }
}

TEST(Passes, LongAndShortSequencesAreNeverTogether) {
  const QuestionPlan plan = plan_of(100, {50, 60, 200, 10, 300, 300});
  for (const Pass& pass : cut_into_passes(plan, {Passes::kShared, 256})) {
    for (size_t a = pass.first; a < pass.last; ++a) {
      EXPECT_EQ(plan.prefix.size() + plan.answers[a].tail.size() > 256, pass.is_long);
    }
    if (!pass.is_long) {
      EXPECT_LE(positions_of(plan, pass, Passes::kShared), 256);
    }
  }
}

}  // namespace
}  // namespace hre
