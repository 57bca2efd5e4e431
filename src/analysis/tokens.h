#pragma once
/// An answer's tokens with their log-probabilities, in one run and as the difference between two.

#include <cstddef>
#include <string_view>
#include <vector>

#include "hre/run.h"

namespace hre {

struct TokenPiece {
  size_t end = 0;  ///< in bytes of the text
  double nats = 0;
};

/// A text, which belongs to the answer, in pieces that follow each other from its beginning.
struct TokenPieces {
  std::string_view text;
  std::vector<TokenPiece> pieces;
};

/// No piece where tokens are not known.
TokenPieces token_pieces(const AnswerResult& answer);

/// a - b, summed between places where both have a token's end; no piece where they are not of one text. The space
/// before an answer may be missing in either: some vocabularies count it to the prompt.
TokenPieces token_differences(TokenPieces a, TokenPieces b);

}  // namespace hre
