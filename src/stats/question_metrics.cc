#include "stats/question_metrics.h"

#include <algorithm>
#include <cmath>
#include <string>
#include <vector>

#include "stats/confound.h"
#include "stats/correlation.h"
#include "stats/ranking.h"

namespace hre {
namespace {

template <class Field>
std::vector<double> collect(std::span<const AnswerResult> answers, Field field) {
  std::vector<double> values;
  for (const AnswerResult& answer : answers) values.push_back(field(answer));
  return values;
}

}  // namespace

QuestionMetrics question_metrics(std::span<const AnswerResult> answers) {
  const auto votes = collect(answers, [](const AnswerResult& a) { return a.votes; });
  const auto scores = collect(answers, [](const AnswerResult& a) { return a.score; });
  const auto lengths = collect(answers, [](const AnswerResult& a) { return static_cast<double>(a.n_chars); });
  const auto log_lengths =
      collect(answers, [](const AnswerResult& a) { return std::log(static_cast<double>(a.n_chars)); });
  const Confound length = confound_of(votes, scores, log_lengths);
  return {.pearson = pearson(votes, scores),
          .spearman = spearman(votes, scores),
          .kendall = kendall(votes, scores),
          .pairwise_accuracy = pairwise_accuracy(votes, scores),
          .top_one = top_one(votes, scores),
          .ndcg = ndcg(votes, scores),
          .given_length = length.partial,
          .length_only = pearson(votes, lengths),
          .through_length = length.explained};
}

void complete_question(QuestionResult& question, bool normalise_by_characters) {
  for (size_t i = 0; i < question.answers.size(); ++i) {
    AnswerResult& answer = question.answers[i];
    answer.score = normalise_by_characters
                       ? answer.sum_log_prob / static_cast<double>(std::max<int64_t>(1, answer.n_chars))
                       : answer.sum_log_prob;
    if (!std::isfinite(answer.score)) {
      question.problem = "the log-likelihood of answer " + std::to_string(i + 1) + " is not finite";
    }
  }
  if (question.problem.empty()) question.metrics = question_metrics(question.answers);
}

}  // namespace hre
