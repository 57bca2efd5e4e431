#pragma once
/// The prompt: from a question and its answers to what the model sees.

#include <string>
#include <vector>

#include "hre/dataset.h"
#include "hre/scorer.h"

namespace hre {

/// A template with {question} and, at its end, {answer}. Braces are doubled to stand for themselves
/// ("{{", "}}") where they would make a name; other braces stand as they are.
class PromptTemplate {
 public:
  /// Input errors for other names in braces, a missing {answer} and text after it.
  static Result<PromptTemplate> parse(const std::string& text);

  /// The context ends before the spaces in front of {answer}; they begin each continuation, because
  /// vocabularies hold words with the space before them.
  [[nodiscard]] ScoringRequest render(const Question& question) const;

 private:
  struct Piece {
    std::string text;
    bool is_question = false;
  };
  std::vector<Piece> context_;
  std::string before_answer_;  // spaces
};

}  // namespace hre
