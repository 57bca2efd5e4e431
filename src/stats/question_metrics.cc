#include "stats/question_metrics.h"

#include <cmath>
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

}  // namespace hre
