#include "analysis/shared_questions.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "analysis/test_runs.h"

namespace hre {
namespace {

using Runs = std::vector<Run>;
using testing::ElementsAre;
using testing_runs::answer;
using testing_runs::run_of;
constexpr auto kLeaveOut = UndefinedPolicy::kLeaveOut;

const Metric& pearson_metric() { return all_metrics().front(); }

TEST(SharedQuestions, MatchesByTopicAndIdInTheFirstRunsOrder) {
  Runs runs = {run_of("A", {{0.1, 0.2}, {0.3}}), run_of("B", {{0.5, 0.6}, {0.7}})};
  std::swap(runs[0].questions[0], runs[0].questions[1]);
  std::reverse(runs[1].questions.begin(), runs[1].questions.end());
  const SharedQuestions shared = share_questions(pointers_to(runs), pearson_metric(), kLeaveOut);
  EXPECT_THAT(shared.topics, ElementsAre("a", "b"));
  EXPECT_THAT(shared.sizes, ElementsAre(2, 1));
  EXPECT_THAT(shared.values[0], ElementsAre(0.2, 0.1, 0.3));
  EXPECT_THAT(shared.values[1], ElementsAre(0.6, 0.5, 0.7));
  EXPECT_EQ(shared.questions[1][0]->id, "a/1");
  EXPECT_THAT(shared.only_here, ElementsAre(0, 0));
}

TEST(SharedQuestions, CountsWhatIsLeftOut) {
  Runs runs = {run_of("A", {{0.1, 0.2, 0.3, 0.4}}), run_of("B", {{0.5, 0.6, 0.7}})};
  runs[0].questions[0].metrics.pearson.reset();
  runs[1].questions[1].metrics.pearson.reset();
  runs[1].questions[2].answers[0].votes = 99;
  SharedQuestions shared = share_questions(pointers_to(runs), pearson_metric(), kLeaveOut);
  EXPECT_EQ(shared.n(), 0U);
  EXPECT_TRUE(shared.topics.empty());
  EXPECT_EQ(shared.undefined, 2);
  EXPECT_EQ(shared.different, 1);
  EXPECT_THAT(shared.only_here, ElementsAre(1, 0));
  EXPECT_THAT(shared.undefined_in, ElementsAre(1, 1));
  shared = share_questions(pointers_to(runs), pearson_metric(), UndefinedPolicy::kZero);
  EXPECT_THAT(shared.values[0], ElementsAre(0, 0.2));
  EXPECT_THAT(shared.values[1], ElementsAre(0.5, 0));
  EXPECT_EQ(shared.undefined, 0);
  EXPECT_EQ(share_questions({}, pearson_metric(), kLeaveOut).n(), 0U);
}

TEST(SharedQuestions, AnAnswerCutShortIsTheSame) {
  Runs runs = {run_of("A", {{0.1}}), run_of("B", {{0.5}})};
  runs[1].questions[0].answers[1].n_chars -= 5;
  runs[1].questions[0].answers[1].n_cut_chars = 5;
  EXPECT_EQ(share_questions(pointers_to(runs), pearson_metric(), kLeaveOut).n(), 1U);
  runs[1].questions[0].answers[1].n_cut_chars = 4;
  EXPECT_EQ(share_questions(pointers_to(runs), pearson_metric(), kLeaveOut).different, 1);
}

std::vector<std::string> what_differs(const Runs& runs) {
  std::vector<std::string> names;
  for (const RunDifference& difference : run_differences(pointers_to(runs))) names.push_back(difference.what);
  return names;
}

TEST(RunDifferences, NamesWhatCanMoveAValue) {
  Runs runs = {run_of("A", {{0.1}}), run_of("B", {{0.5}})};
  for (hre::Run& run : runs) run.model.settings = {{"bos", "never"}, {"max_length", "512"}};
  EXPECT_TRUE(what_differs(runs).empty());
  runs[1].options.limit = 3;
  runs[1].options.topics = {"a"};
  runs[1].model.fingerprint = "other";
  EXPECT_TRUE(what_differs(runs).empty());
  runs[1].model.settings[0].second = "always";
  EXPECT_THAT(what_differs(runs), ElementsAre("bos"));
  runs[1].model.settings.erase(runs[1].model.settings.begin());
  EXPECT_THAT(run_differences(pointers_to(runs))[0].values, ElementsAre("never", "-"));
  runs[1].options.prompt = "{question}{answer}";
  runs[1].dataset_fingerprint = "other";
  runs[1].model.normalise_by_characters = false;
  EXPECT_THAT(what_differs(runs), ElementsAre("dataset", "prompt", "bos", "score"));
}

TEST(RunDifferences, BaselinesHaveNoSettings) {
  Runs runs = {run_of("A", {{0.1}}), run_of("B", {{0.5}})};
  runs[0].model.settings = {{"bos", "never"}};
  runs[1].model.architecture = "baseline";
  runs[1].model.normalise_by_characters = false;
  EXPECT_TRUE(what_differs(runs).empty());
}

TEST(RunDifferences, LengthsMatterWhereSomethingWasCut) {
  Runs runs = {run_of("A", {{0.1}}), run_of("B", {{0.5}})};
  runs[0].model.settings = {{"max_length", "512"}};
  runs[1].model.settings = {{"max_length", "2048"}};
  EXPECT_TRUE(what_differs(runs).empty());
  runs[0].questions[0].answers[2].n_truncated = 1;
  EXPECT_THAT(what_differs(runs), ElementsAre("max_length"));
}

}  // namespace
}  // namespace hre
