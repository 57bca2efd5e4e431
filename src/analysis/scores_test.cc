#include "analysis/scores.h"

#include <gtest/gtest.h>

#include <cmath>
#include <numeric>
#include <random>

#include "analysis/question_metrics.h"
#include "analysis/shared_questions.h"
#include "stats/correlation.h"

namespace hre {
namespace {

/// A run of made-up tokens' values; everything follows from the seed.
hre::Run made_run(unsigned seed, const std::string& prompt = "Question: {question}\nAnswer: {answer}") {
  hre::Run run;
  run.model.name = "made-up " + std::to_string(seed);
  run.options.prompt = prompt;
  std::mt19937 random(seed), shape(1);  // the same answers for all seeds
  for (int q = 0; q < 30; ++q) {
    QuestionResult& question = run.questions.emplace_back();
    question.topic = q % 2 == 0 ? "even" : "odd";
    question.id = std::to_string(q);
    for (int a = 0; a < 4; ++a) {
      AnswerResult& answer = question.answers.emplace_back();
      answer.votes = static_cast<double>(shape() % 7);
      answer.n_tokens = static_cast<int>(2 + shape() % 9);
      answer.n_chars = answer.n_tokens * 3 + static_cast<int64_t>(shape() % 5);
      answer.n_bytes = answer.n_chars + static_cast<int64_t>(shape() % 3);
      for (int t = 0; t < answer.n_tokens; ++t) {
        answer.token_log_probs.push_back(-0.1F * static_cast<float>(1 + random() % 40));
      }
      answer.sum_log_prob = std::accumulate(answer.token_log_probs.begin(), answer.token_log_probs.end(), 0.0);
    }
    complete_question(question, true);
  }
  run.planned = 30;
  return run;
}

double sum_of_tokens(const AnswerResult& answer) {
  return std::accumulate(answer.token_log_probs.begin(), answer.token_log_probs.end(), 0.0);
}

/// By each score, from the tokens' values alone.
std::optional<double> direct(const QuestionResult& question, ScoreKind kind,
                             const QuestionResult* reference = nullptr) {
  std::vector<double> votes, scores;
  for (size_t i = 0; i < question.answers.size(); ++i) {
    const AnswerResult& answer = question.answers[i];
    double size = 1;
    if (kind == ScoreKind::kPerChar) size = static_cast<double>(answer.n_chars);
    if (kind == ScoreKind::kPerToken) size = static_cast<double>(answer.token_log_probs.size());
    if (kind == ScoreKind::kPerByte) size = static_cast<double>(answer.n_bytes);
    votes.push_back(answer.votes);
    scores.push_back((sum_of_tokens(answer) - (reference ? sum_of_tokens(reference->answers[i]) : 0)) / size);
  }
  return pearson(votes, scores);
}

TEST(Scores, EqualADirectComputationFromTokens) {
  hre::Run run = made_run(7);
  const hre::Run published = run;
  for (const auto& [name, kind] : kScoreKinds) {
    ASSERT_TRUE(choose_score(kind, run));
    for (const QuestionResult& question : run.questions)
      EXPECT_EQ(question.metrics.pearson, direct(question, kind)) << name;
  }
  ASSERT_TRUE(choose_score(ScoreKind::kPerChar, run));
  for (size_t i = 0; i < run.questions.size(); ++i) {
    EXPECT_EQ(run.questions[i].metrics.pearson, published.questions[i].metrics.pearson) << "a view, and back";
  }
}

TEST(Scores, TableIsOfEach) {
  hre::Run run = made_run(8);
  const auto table = score_table(run);
  ASSERT_EQ(table.size(), 4U);
  for (const ScoreSummary& row : table) {
    ASSERT_TRUE(choose_score(row.score, run));
    const Summary summary = summarize(run);
    EXPECT_EQ(row.pearson.mean, summary.micro.pearson.mean);
    EXPECT_EQ(row.pairwise_accuracy.mean, summary.micro.pairwise_accuracy.mean);
    EXPECT_EQ(row.length.through.mean, summary.micro_length.through.mean);
    EXPECT_EQ(summary.scores.size(), 4U);
    EXPECT_EQ(summary.scores[1].pearson.mean, table[1].pearson.mean) << "whichever is chosen";
  }
  run.model.normalise_by_characters = false;
  EXPECT_TRUE(score_table(run).empty());
}

TEST(Scores, OfAnUnknownSize) {
  hre::Run run = made_run(9);
  run.questions[3].answers[1].n_bytes = 0;
  ASSERT_TRUE(choose_score(ScoreKind::kPerByte, run));
  EXPECT_EQ(run.questions[3].problem, "the number of bytes of answer 2 is not known");
  EXPECT_FALSE(run.questions[3].metrics.pearson);
  EXPECT_TRUE(run.questions[4].metrics.pearson);
  ASSERT_TRUE(choose_score(ScoreKind::kSum, run));
  EXPECT_EQ(run.questions[3].problem, "");
  EXPECT_TRUE(run.questions[3].metrics.pearson);
  for (QuestionResult& question : run.questions) {
    for (AnswerResult& answer : question.answers) answer.n_tokens = 0;
  }
  EXPECT_EQ(choose_score(ScoreKind::kPerToken, run).error().message,
            "there is no score per token: made-up 9 has no tokens");
  EXPECT_EQ(run.score, ScoreKind::kSum) << "unchanged";
}

TEST(Scores, AgainstAReference) {
  hre::Run run = made_run(10);
  const hre::Run reference = made_run(11);
  ASSERT_TRUE(refer_to(reference, false, run));
  ASSERT_TRUE(choose_score(ScoreKind::kSum, run));
  double margin = 0;
  int64_t pairs = 0, correct = 0;
  for (size_t i = 0; i < run.questions.size(); ++i) {
    EXPECT_EQ(run.questions[i].metrics.pearson, direct(run.questions[i], ScoreKind::kSum, &reference.questions[i]));
    const auto& answers = run.questions[i].answers;
    for (size_t a = 0; a < answers.size() && i == 0; ++a) {
      for (size_t b = 0; b < answers.size(); ++b) {
        if (!(answers[a].votes > answers[b].votes)) continue;
        const double by = answers[a].score - answers[b].score;
        margin += by;
        ++pairs;
        correct += by > 0 ? 1 : 0;
      }
    }
  }
  EXPECT_NEAR(*run.questions[0].metrics.margin, margin / static_cast<double>(pairs), 1e-12);
  EXPECT_NEAR(*run.questions[0].metrics.pairwise_accuracy, static_cast<double>(correct) / static_cast<double>(pairs),
              1e-12);
  EXPECT_EQ(score_formula(run), "sum_log_prob - reference_log_prob");
  const hre::Run published = published_view(run);
  EXPECT_EQ(published.questions[5].metrics.pearson, made_run(10).questions[5].metrics.pearson);
  EXPECT_EQ(score_formula(published), "sum_log_prob / n_chars");
}

TEST(Scores, ReferencesThatDoNotFit) {
  hre::Run run = made_run(12);
  hre::Run reference = made_run(13);
  reference.questions.erase(reference.questions.begin() + 4);
  reference.questions[0].answers[2].votes += 1;
  ASSERT_TRUE(refer_to(reference, false, run));
  EXPECT_EQ(run.questions[4].problem, "the reference has no value for answer 4");
  EXPECT_FALSE(run.questions[0].metrics.pearson) << "other answers";
  EXPECT_TRUE(run.questions[1].metrics.pearson);
  reference.options.prompt = "{question}\n{answer}";
  EXPECT_EQ(refer_to(reference, false, run).error().where, "‹allow_different›");
  EXPECT_TRUE(refer_to(reference, true, run));
  for (QuestionResult& question : reference.questions) question.id += "x";
  EXPECT_EQ(refer_to(reference, true, run).error().where, "‹reference›");
  reference.model.normalise_by_characters = false;
  EXPECT_EQ(refer_to(reference, true, run).error().message, "the values of made-up 13 are no log-likelihoods");
}

TEST(Scores, WithoutTheQuestionIsNoOtherConfiguration) {
  EXPECT_EQ(prompt_without_question("Question: {question}\nAnswer: {answer}"), "Question: \nAnswer: {answer}");
  hre::Run run = made_run(14);
  ASSERT_TRUE(refer_to(made_run(15, "Question: \nAnswer: {answer}"), false, run));
  EXPECT_EQ(run.reference->prompt, "Question: \nAnswer: {answer}");
  const hre::Run other = made_run(14);
  const hre::Run* const both[] = {&run, &other};
  EXPECT_EQ(run_differences(both).size(), 2U) << "the reference, and the formula";
}

}  // namespace
}  // namespace hre
