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

/// Text to tokens, without any special token added. Thread-safe.
using Encode = std::function<Result<std::vector<Token>>(std::string_view)>;

struct PlanRules {
  int max_length = 0;        ///< tokens that a sequence may feed; at least 1
  std::optional<Token> bos;  ///< put before every sequence that doesn't start with it
  LongAnswers long_answers = LongAnswers::kError;
};

/// Plans one question. A text that can't be encoded and an answer without tokens make the plan a skipped one;
/// an answer of more than max_length tokens does what the rules say.
Result<QuestionPlan> plan_question(const ScoringRequest& request, const Encode& encode, const PlanRules& rules);

}  // namespace hre
