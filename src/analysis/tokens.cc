#include "analysis/tokens.h"

#include <algorithm>

namespace hre {
namespace {

/// The same without the space before the answer.
void drop_space(TokenPieces& tokens) {
  if (!tokens.text.starts_with(' ')) return;
  tokens.text.remove_prefix(1);
  for (TokenPiece& piece : tokens.pieces) piece.end -= std::min<size_t>(piece.end, 1);
}

}  // namespace

TokenPieces token_pieces(const AnswerResult& answer) {
  const auto& ends = answer.token_texts.ends;
  TokenPieces tokens{answer.token_texts.text, {}};
  if (ends.size() != answer.token_log_probs.size()) return tokens;
  for (size_t i = 0; i < ends.size(); ++i) {
    tokens.pieces.push_back({ends[i], static_cast<double>(answer.token_log_probs[i])});
  }
  return tokens;
}

TokenPieces token_differences(TokenPieces a, TokenPieces b) {
  if (a.text != b.text) {
    drop_space(a);
    drop_space(b);
  }
  TokenPieces both{a.text, {}};
  if (a.text != b.text || a.pieces.empty() || b.pieces.empty()) return both;
  double sum = 0;
  for (size_t i = 0, j = 0; i < a.pieces.size(); ++i) {
    const size_t end = a.pieces[i].end;
    sum += a.pieces[i].nats;
    for (; j < b.pieces.size() && b.pieces[j].end <= end; ++j) sum -= b.pieces[j].nats;
    const bool last = i + 1 == a.pieces.size() || a.pieces[i + 1].end > end;
    if (!last || end == 0 || j == 0 || b.pieces[j - 1].end != end) continue;
    both.pieces.push_back({end, sum});
    sum = 0;
  }
  return both;
}

}  // namespace hre
