#pragma once
/// For tests: runs with questions of given values.

#include <string>
#include <vector>

#include "hre/run.h"

namespace hre::testing_runs {

inline AnswerResult answer(double votes, double score, int64_t n_chars) {
  AnswerResult result;
  result.votes = votes;
  result.score = score;
  result.n_chars = n_chars;
  return result;
}

inline QuestionResult question(const std::string& topic, int number, std::optional<double> pearson) {
  QuestionResult result;
  result.topic = topic;
  result.id = topic + "/" + std::to_string(number);
  result.metrics.pearson = pearson;
  result.answers = {answer(1, -1, 10), answer(2, -2, 20), answer(3, -1.5, 30), answer(7, -0.5, 15)};
  return result;
}

/// A run of topics "a", "b", ... with these values.
inline Run run_of(const std::string& name, const std::vector<std::vector<double>>& topics) {
  Run run;
  run.model.name = name;
  run.model.architecture = "llama";
  run.dataset_fingerprint = "feed";
  for (size_t t = 0; t < topics.size(); ++t) {
    for (const double value : topics[t]) {
      run.questions.push_back(
          question(std::string(1, static_cast<char>('a' + t)), static_cast<int>(run.questions.size()), value));
    }
  }
  run.planned = static_cast<int64_t>(run.questions.size());
  return run;
}

}  // namespace hre::testing_runs
