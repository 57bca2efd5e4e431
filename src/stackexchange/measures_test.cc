#include "stackexchange/measures.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "stackexchange/test_measures.h"

namespace hre::stackexchange {
namespace {

using testing::HasSubstr;
using namespace testing_measures;

// A question whose answers have these votes, one an hour; the accepted one is at `accepted`.
AnswerMeasures answers_of(const std::vector<int>& votes, std::optional<size_t> accepted) {
  const PostRecord question;
  std::vector<PostRecord> answers;
  for (size_t i = 0; i < votes.size(); ++i) {
    PostRecord answer;
    answer.created_ms = static_cast<int64_t>(3'600'000 * (i + 1));
    answer.score = votes[i];
    answer.flags = accepted == i ? kAccepted : 0;
    answers.push_back(answer);
  }
  return measure(question, answers, {}, 1);
}

std::string table_of(const SetMeasures& set) { return format_measures(set, set, set); }

TEST(Measures, AcceptanceHasItsIntervalAndItsChance) {
  SetMeasures set;
  for (int i = 0; i < 10; ++i) {
    set.add(answers_of({3, 1, 0, 0}, 0));              // the one of four with the most
    set.add(answers_of({3, 3, 0, 0}, i < 5 ? 1 : 2));  // one of the two, or another
    set.add(answers_of({3, 1}, std::nullopt));
    set.add(answers_of({2, 2}, 1));  // all have the most
  }
  // Clopper and Pearson of 15 of 20; by chance 1/4 and 2/4.
  EXPECT_THAT(table_of(set),
              HasSubstr("| the accepted one has the most votes | 75.0 % [50.9, 91.3] of 20; by chance 37.5 % |"));
  EXPECT_THAT(table_of(set), HasSubstr("of 100 pairs; by chance 50 % |"));
  EXPECT_THAT(table_of({}), HasSubstr("| the accepted one has the most votes | - |"));
}

// At counts that take seconds; bench/stats_simulation.cc has the full ones.
TEST(Measures, IntervalsHoldTheTruth) {
  const Effort effort{.simulations = 400, .truth_questions = 60000};
  const double slack = 3 * std::sqrt(0.05 * 0.95 / effort.simulations);
  for (const CardWorld& world :
       {CardWorld{.fewest = 2, .most = 10, .age = 0.4, .length = 0.3},
        CardWorld{.fewest = 4, .most = 10, .chosen = 4, .choose = Choice::kSpread, .age = 0.4},
        CardWorld{.fewest = 4, .most = 4, .age = 0.15, .length = 0.1}, CardWorld{.fewest = 4, .most = 4}}) {
    for (const auto& [row, coverage] : card_coverage(world, true_column(world, effort), 100, effort)) {
      EXPECT_GT(coverage.given, 0.98) << row << ": whether it is shown must not depend on what it would be";
      EXPECT_GE(coverage.held, 0.93 - slack) << row << " of " << coverage.given;
      EXPECT_LE(coverage.held, (row.starts_with("the accepted") ? 1 : 0.97) + slack) << row << " of " << coverage.given;
    }
  }
}

}  // namespace
}  // namespace hre::stackexchange
