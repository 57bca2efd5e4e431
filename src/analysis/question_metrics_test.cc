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

/// Of the pairs (of an earlier and a later answer) 1-2, 1-3, 2-3 the later has more votes in the first two.
TEST(QuestionMetrics, PairsByWhichAnswerIsLater) {
  std::vector<AnswerResult> answers = {answer(1, -1.0, 10), answer(5, -0.5, 10), answer(3, -1.0, 10), answer(3, 9, 10)};
  QuestionMetrics metrics = question_metrics(answers);
  EXPECT_FALSE(metrics.later_wins || metrics.earlier_wins || metrics.later_wins_chance) << "no dates";
  for (size_t i = 0; i < 3; ++i) answers[i].posted = static_cast<double>(i);
  EXPECT_FALSE(question_metrics(answers).later_wins) << "one has no date";
  answers[3].posted = 2;  // as the third, which has as many votes: no pair of these two
  answers[3].score = -2;
  metrics = question_metrics(answers);
  EXPECT_EQ(metrics.later_wins, 1.5 / 3) << "1-2 right, 1-3 equal, 1-4 wrong";
  EXPECT_EQ(metrics.earlier_wins, 1) << "2-3, 2-4";
  EXPECT_EQ(metrics.later_wins_chance, 0.5);
  for (AnswerResult& one : answers) one.posted = 7;
  EXPECT_FALSE(question_metrics(answers).later_wins) << "of one moment";
}

/// A question without such a pair is in no mean of it, whatever questions without a value count as.
TEST(QuestionMetrics, QuestionsWithoutSuchPairsAreLeftOut) {
  std::vector<QuestionResult> questions(3);
  for (size_t i = 0; i < 3; ++i) {
    questions[i].topic = "t";
    questions[i].id = std::to_string(i);
    questions[i].answers = {answer(1, -1, 10), answer(i == 0 ? 2 : 0, -0.5, 10)};
    for (size_t k = 0; k < 2; ++k) questions[i].answers[k].posted = static_cast<double>(k);
    questions[i].metrics = question_metrics(questions[i].answers);
  }
  for (const UndefinedPolicy policy : {UndefinedPolicy::kLeaveOut, UndefinedPolicy::kZero}) {
    const Summary summary = summarize(questions, {.undefined = policy, .draws = 0});
    EXPECT_EQ(summary.micro.later_wins.n, 1);
    EXPECT_EQ(summary.micro.later_wins.mean, 1);
    EXPECT_EQ(summary.micro.later_wins.chance, 0.5);
    EXPECT_EQ(summary.micro.earlier_wins.n, 2);
    EXPECT_EQ(summary.micro.earlier_wins.mean, 0);
  }
}

/// Against their definition: all answers of a kind as one text.
TEST(QuestionMetrics, BitsPerByte) {
  QuestionResult question;
  const auto add = [&](double votes, double nats, int64_t n_chars, int64_t n_bytes) {
    AnswerResult& result = question.answers.emplace_back(answer(votes, 0, n_chars));
    result.sum_log_prob = nats;
    result.n_bytes = n_bytes;
  };
  add(7, -80, 100, 120);
  add(7, -40, 30, 30);
  add(2, -90, 90, 91);
  add(-1, -70, 50, 53);
  complete_question(question, true);
  const double ln2 = std::log(2.0);
  EXPECT_NEAR(*question.metrics.bits_per_byte, 280 / ln2 / 294, 1e-14);
  EXPECT_NEAR(*question.metrics.bits_best, 120 / ln2 / 150, 1e-14);
  EXPECT_NEAR(*question.metrics.bits_worst, 70 / ln2 / 53, 1e-14);
  EXPECT_NEAR(*question.metrics.bits_gap, 70 / ln2 / 53 - 120 / ln2 / 150, 1e-14);

  QuestionResult equal = question;
  for (AnswerResult& one : equal.answers) one.votes = 3;
  complete_question(equal, true);
  EXPECT_EQ(equal.metrics.bits_per_byte, question.metrics.bits_per_byte);
  EXPECT_FALSE(equal.metrics.bits_best || equal.metrics.bits_worst || equal.metrics.bits_gap);

  QuestionResult other = question;
  complete_question(other, false);  // lengths are no log-likelihoods
  EXPECT_FALSE(other.metrics.bits_per_byte || other.metrics.bits_gap);
  question.answers[2].n_bytes = 0;  // not known
  complete_question(question, true);
  EXPECT_FALSE(question.metrics.bits_per_byte);
  EXPECT_TRUE(question.metrics.bits_gap);
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
