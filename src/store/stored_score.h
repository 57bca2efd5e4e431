#pragma once
/// The stored answers to one question.

#include <cstdint>
#include <vector>

#include "hre/run.h"

namespace hre::store {

struct StoredScore {
  int64_t row = 0;
  std::vector<AnswerResult> answers;  ///< without votes, lengths and scores
  bool damaged = false;               ///< they don't match their checksum
  bool has_bytes = false;             ///< the size of every answer's text is stored
  bool has_tokens = false;            ///< the log-probability of every token is stored
  bool has_texts = false;             ///< the text of every token is stored, too
};

/// Removes an answer's token log-probabilities and texts; its sums stay.
inline void forget_tokens(AnswerResult& answer) {
  answer.token_log_probs.clear();
  answer.token_texts = {};
}

/// How the writer treats answers that are stored already.
enum class Stored { kStay, kAreReplaced };

}  // namespace hre::store
