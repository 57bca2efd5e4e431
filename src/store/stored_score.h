#pragma once
/// Stored answers of one question.

#include <cstdint>
#include <vector>

#include "hre/run.h"

namespace hre::store {

struct StoredScore {
  int64_t row = 0;
  std::vector<AnswerResult> answers;  ///< with neither votes nor lengths nor scores
  bool damaged = false;               ///< they don't match their checksum
  bool has_tokens = false;            ///< every token's value is there
  bool has_texts = false;             ///< and every token's text
};

/// Forgets an answer's tokens, their texts with them; its sums stay.
inline void forget_tokens(AnswerResult& answer) {
  answer.token_log_probs.clear();
  answer.token_texts = {};
}

/// What becomes of answers that are stored already.
enum class Stored { kStay, kAreReplaced };

}  // namespace hre::store
