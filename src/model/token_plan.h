#pragma once
/// The folder src/model: models: the kinds of `Scorer` (hre/scorer.h), what they share, and open_model.cc, the one list
/// of kinds.
///
/// Not here: questions, votes and runs: a scorer gets text and gives log-probabilities.
/// Types:    `ScoringRequest` is a question as text, `QuestionPlan` the same as tokens, `QuestionScore` its
///           log-probabilities; `PlanRules` say how one becomes the other; `OptionUse` (option_names.h) says which
///           kinds of models take an option.
/// Owners:   a scorer owns its model, processes and connections for as long as it lives; plans are values.
/// Threads:  `plan` may be called by several threads at once, `score` by one.
/// To add:   a kind of model: a folder, a case in open_model.cc. An option: `EngineOptions`, `kOptionUses`,
///           describe_settings in llama/description.h.

/// Turns text into token spans by the published rule, for every scorer that works on tokens.
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

/// Encodes text without adding special tokens. Thread-safe. An input error means that the text can't be expressed; any
/// other error, that the tokenizer could not be asked.
using Encode = std::function<Result<std::vector<Token>>(std::string_view)>;

struct PlanRules {
  int max_length = 0;        ///< the most tokens that are fed for a sequence; at least 1
  std::optional<Token> bos;  ///< put before every sequence that doesn't begin with it
  LongAnswers long_answers = LongAnswers::kError;
};

/// Plans one question for an encoder-decoder. The context goes to the encoder, cut on the left to max_length, followed
/// by `source_end` if there is one. The decoder is fed `start` and a continuation, which is encoded separately. The
/// plan's prefix is the encoder's text (its first n_context tokens), then what the decoder's sequences share.
struct EncoderDecoderRules {
  Token start = 0;
  std::optional<Token> source_end;
};
Result<QuestionPlan> plan_encoder_decoder(const ScoringRequest& request, const Encode& encode, const PlanRules& rules,
                                          const EncoderDecoderRules& tokens);

/// Plans one question. A text that can't be encoded, or an answer without tokens, makes the plan a skipped one; an
/// answer of more than max_length tokens is treated as the rules say.
Result<QuestionPlan> plan_question(const ScoringRequest& request, const Encode& encode, const PlanRules& rules);

}  // namespace hre
