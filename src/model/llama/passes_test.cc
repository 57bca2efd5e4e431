#include "model/llama/passes.h"

#include <gtest/gtest.h>

#include <random>
#include <set>

#include "model/llama/test_groups.h"

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
    std::vector<Cell> cells = prefix_cells(plan, 0, pass, {0, 1});
    for (size_t a = pass.first; a < pass.last; ++a) append_tail_cells(plan, 0, a, 0, cells);
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

TEST(Passes, GroupsHoldWholeQuestionsWithinTheirRoom) {
  const unsigned seed = std::random_device()();
  SCOPED_TRACE(seed);
  std::mt19937 random(seed);
  for (int round = 0; round < 100; ++round) {
    std::vector<QuestionPlan> plans;
    for (size_t n = 1 + random() % 30; n > 0; --n) {
      std::vector<size_t> tails(1 + random() % 8);
      for (size_t& tail : tails) tail = random() % 120;
      plans.push_back(plan_of(1 + random() % 200, tails));
    }
    const GroupRules rules{static_cast<int64_t>(random() % 1000), 1 + random() % 20};
    const PassRules passes{Passes::kShared, 0, 600};
    size_t next = 0;
    for (const Group& group : group_questions(plans, passes, rules)) {
      ASSERT_EQ(group.first, next);
      ASSERT_GT(group.last, group.first);
      next = group.last;
      if (group.last - group.first == 1) continue;
      auto positions = int64_t{0};
      size_t answers = 0;
      for (size_t i = group.first; i < group.last; ++i) {
        positions += plans[i].positions();
        answers += plans[i].answers.size();
        EXPECT_EQ(cut_into_passes(plans[i], passes).size(), 1u);
      }
      EXPECT_LE(positions, rules.most_positions);
      EXPECT_LE(answers, rules.most_answers);
    }
    EXPECT_EQ(next, plans.size());
  }
}

TEST(Passes, QuestionsOfOneRoomGoTogether) {
  const std::vector<QuestionPlan> plans = {plan_of(10, {5, 5}), plan_of(10, {10}), plan_of(50, {50}),
                                           plan_of(10, {5, 5})};
  const auto sizes = [&](int64_t most, Passes mode) {
    std::vector<size_t> all;
    for (const Group& group : group_questions(plans, {mode}, {most})) all.push_back(group.last - group.first);
    return all;
  };
  EXPECT_EQ(sizes(40, Passes::kShared), (std::vector<size_t>{2, 1, 1}));
  EXPECT_EQ(sizes(160, Passes::kShared), (std::vector<size_t>{4}));
  EXPECT_EQ(sizes(0, Passes::kShared), (std::vector<size_t>{1, 1, 1, 1}));
  EXPECT_EQ(sizes(160, Passes::kPerAnswer), (std::vector<size_t>{1, 1, 1, 1}));
}

}  // namespace
}  // namespace hre
