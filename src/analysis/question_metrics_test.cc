#include "analysis/question_metrics.h"

#include <gtest/gtest.h>

#include <cmath>

#include "analysis/metric.h"
#include "analysis/test_runs.h"
#include "stats/confound.h"
#include "stats/correlation.h"
#include "stats/ranking.h"

namespace hre {
namespace {

using testing_runs::answer;

TEST(QuestionMetrics, EachFromItsOwnFunction) {
  const std::vector<AnswerResult> answers = {answer(10, -1.0, 100), answer(3, -0.8, 400), answer(0, -2.0, 50),
                                             answer(-1, -1.5, 90)};
  const std::vector<double> votes = {10, 3, 0, -1}, scores = {-1.0, -0.8, -2.0, -1.5}, lengths = {100, 400, 50, 90};
  const QuestionMetrics metrics = question_metrics(answers);
  EXPECT_EQ(metrics.pearson, pearson(votes, scores));
  EXPECT_EQ(metrics.spearman, spearman(votes, scores));
  EXPECT_EQ(metrics.kendall, kendall(votes, scores));
  EXPECT_EQ(metrics.pairwise_accuracy, pairwise_accuracy(votes, scores));
  EXPECT_EQ(metrics.top_one, 0);
  EXPECT_EQ(metrics.ndcg, ndcg(votes, scores));
  EXPECT_EQ(metrics.length_only, pearson(votes, lengths));
  const std::vector<double> log_votes = {std::log(11.), std::log(4.), 0, -std::log(2.)}, ranks = {4, 3, 2, 1};
  EXPECT_NEAR(*metrics.pearson_log, *pearson(log_votes, scores), 1e-14);
  EXPECT_EQ(metrics.pearson_ranks, pearson(ranks, scores));
  EXPECT_EQ(metrics.top_one_chance, 0.25);
  EXPECT_EQ(metrics.ndcg_chance, ndcg_chance(votes));
}

TEST(QuestionMetrics, OfNothingAndOfEqualVotes) {
  for (const std::vector<AnswerResult>& answers :
       {std::vector<AnswerResult>{}, {answer(1, 2, 3)}, {answer(1, 2, 3), answer(1, 3, 4)}}) {
    const QuestionMetrics metrics = question_metrics(answers);
    for (const Metric& metric : all_metrics()) EXPECT_FALSE(metrics.*metric.of_question) << metric.name;
  }
}

TEST(QuestionMetrics, ByName) {
  EXPECT_EQ((*find_metric("ndcg"))->of_question, &QuestionMetrics::ndcg);
  EXPECT_EQ(*find_metric("pairwise"), *find_metric("pairwise_accuracy"));
  EXPECT_EQ(find_metric("pearsn").error().next, "did you mean pearson?");
  EXPECT_FALSE(find_metric("length_only"));
  EXPECT_FALSE(find_metric(""));
}

}  // namespace
}  // namespace hre
