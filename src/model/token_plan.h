#pragma once
/// From text to token spans by the published rule, for every scorer that works on tokens.
///
/// whole = encode(context + continuation), n = len(encode(context)); the continuation's tokens are
/// whole[n:]; the model is fed whole[-(max_length + 1):][:-1]. What the answers' sequences share at
/// their start, as encoded, is computed once.

#include <functional>
#include <optional>
#include <string_view>
#include <vector>

#include "hre/scorer.h"

namespace hre {

/// Text to tokens, without any special token added. Thread-safe. An input error says that the text can't be expressed;
/// any other, that the tokenizer could not be asked.
using Encode = std::function<Result<std::vector<Token>>(std::string_view)>;

struct PlanRules {
  int max_length = 0;        ///< tokens that a sequence may feed; at least 1
  std::optional<Token> bos;  ///< put before every sequence that doesn't start with it
  LongAnswers long_answers = LongAnswers::kError;
};

/// Plans one question for an encoder-decoder: the context is the encoder's, cut on the left to max_length, and ends
/// with `source_end` if there is one; the decoder is fed `start` and a continuation, which is encoded by itself.
/// The plan's prefix is what the encoder reads (its first n_context tokens), then what the decoder's sequences share.
struct EncoderDecoderRules {
  Token start = 0;
  std::optional<Token> source_end;
};
Result<QuestionPlan> plan_encoder_decoder(const ScoringRequest& request, const Encode& encode, const PlanRules& rules,
                                          const EncoderDecoderRules& tokens);

/// Plans one question. A text that can't be encoded and an answer without tokens make the plan a skipped one;
/// an answer of more than max_length tokens does what the rules say.
Result<QuestionPlan> plan_question(const ScoringRequest& request, const Encode& encode, const PlanRules& rules);

}  // namespace hre
