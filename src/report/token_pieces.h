#pragma once
/// Answers token by token, in one run or as the difference of two: what a terminal and a page shade.

#include <cstddef>
#include <string_view>
#include <vector>

#include "hre/run.h"

namespace hre {

struct Piece {
  size_t end = 0;  ///< in bytes of the text
  double nats = 0;
};

/// A text in pieces that follow each other from its beginning.
struct Pieces {
  std::string_view text;  ///< of the answer that it was made from
  std::vector<Piece> pieces;
};

/// An answer's tokens; no piece where they are not known.
Pieces tokens_of(const AnswerResult& answer);

/// The log-probability in `a` minus that in `b`, between places where both have a token's end; no piece where they are
/// not of one text. The space before an answer, which some vocabularies count to the prompt, is left out where only one
/// has it.
Pieces differences(const AnswerResult& a, const AnswerResult& b);

}  // namespace hre
