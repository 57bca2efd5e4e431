#pragma once
/// Made-up runs for the store's tests: everything follows from a number.

#include <filesystem>
#include <string>
#include <vector>

#include "analysis/question_metrics.h"
#include "hre/question.h"
#include "hre/run.h"
#include "store/keys.h"

namespace hre::store {

/// A run of so many questions to a model of that name, without results.
inline Run made_run(const std::string& model, int64_t questions) {
  Run run;
  run.model.name = run.model.source = model;
  run.model.fingerprint = "weights of " + model;
  run.model.settings = {{"engine", "made-up 1"}};
  run.dataset_name = run.dataset_source = "made-up";
  run.dataset_fingerprint = "0123";
  run.dataset_questions = run.planned = questions;
  run.created = "2026-01-31T12:00:00Z";
  return run;
}

/// Texts of so many tokens: one of no text, those of a character's two bytes, and long ones.
inline TokenTexts made_texts(int n_tokens) {
  std::vector<std::string> pieces = {"", " caf\xC3", "\xA9"};
  while (static_cast<int>(pieces.size()) < n_tokens) pieces.emplace_back(pieces.size() * 50, 'x');
  pieces.resize(static_cast<size_t>(n_tokens));
  return token_texts(pieces);
}

/// Question number n with four answers.
inline QuestionResult made_question(int64_t n, bool tokens = false) {
  QuestionResult question{"q" + std::to_string(n), n % 2 == 0 ? "even" : "odd", {}, {}, {}};
  for (int i = 0; i < 4; ++i) {
    AnswerResult& answer = question.answers.emplace_back();
    answer.votes = static_cast<double>((n * 7 + int64_t{i} * 5) % 11);
    answer.n_chars = 10 + n % 50 + i;
    answer.n_bytes = answer.n_chars + n % 3;
    answer.n_tokens = 3 + i;
    answer.sum_log_prob = -1.0 / 3 - static_cast<double>(n % 97) * 0.7 - i * 0.1;
    if (!tokens) continue;
    answer.token_log_probs.assign(static_cast<size_t>(answer.n_tokens), -0.1F * static_cast<float>(i + 1));
    answer.token_texts = made_texts(answer.n_tokens);
  }
  complete_question(question, true);
  return question;
}

inline std::string made_key(int64_t n) { return text_key({"question " + std::to_string(n), {"a", "b", "c", "d"}}); }

inline std::vector<std::string> made_keys(int64_t n) {
  std::vector<std::string> keys;
  for (int64_t i = 0; i < n; ++i) keys.push_back(made_key(i));
  return keys;
}

/// Equal to the last bit.
inline bool are_equal(const std::vector<AnswerResult>& a, const std::vector<AnswerResult>& b) {
  return a.size() == b.size() && answers_checksum("", a) == answers_checksum("", b);
}

/// A folder that goes away with the test.
class Scratch {
 public:
  Scratch() {
    std::string name = (std::filesystem::temp_directory_path() / "hre-store-XXXXXX").string();
    folder_ = mkdtemp(name.data());
  }
  ~Scratch() {
    std::error_code ignored;
    std::filesystem::remove_all(folder_, ignored);
  }
  Scratch(const Scratch&) = delete;
  Scratch& operator=(const Scratch&) = delete;
  [[nodiscard]] std::string path(const std::string& name) const { return (folder_ / name).string(); }

 private:
  std::filesystem::path folder_;
};

}  // namespace hre::store
