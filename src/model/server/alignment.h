#pragma once
/// Which entry of a server's list belongs to which token: found by an experiment, and used for every answer. Pure.

#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "hre/result.h"
#include "hre/scorer.h"
#include "model/server/responses.h"

namespace hre::server {

/// The log-probability of a prompt's token i, given those before it, is entry i + shift: 0 where the first entry is
/// the null of the first token; 1 where the server put a beginning-of-sequence token in front; -1 where the
/// first token has no entry.
struct Alignment {
  int shift = 0;
};

/// From two prompts that agree in their first `n_equal` tokens, and differ in the next one: a left-to-right model gives
/// equal values before it and another value there. `n_first` and `n_second`: their tokens. Fails for lists that fit no
/// alignment, such as values one place too early, with what is wrong.
Result<Alignment> find_alignment(const ScoredPrompt& first, const ScoredPrompt& second, size_t n_first, size_t n_second,
                                 size_t n_equal);

/// The values of the last `targets` of a prompt of `n_sent` tokens. Fails where the number of entries, a null or
/// the ids (where the server sends them) contradict the alignment.
Result<std::vector<float>> take_targets(const ScoredPrompt& prompt, Alignment alignment, size_t n_sent,
                                        std::span<const Token> targets);

/// The same of a list that has been cut to begin at the token before the targets (SGLang): that token's entry, which
/// has no value and was left out by old versions, and the targets'.
Result<std::vector<float>> take_last(const ScoredPrompt& prompt, std::span<const Token> targets);

/// How a server counts its text offsets.
struct OffsetRule {
  bool in_bytes = false;     ///< otherwise in code points
  bool after_space = false;  ///< behind a space that its tokenizer puts in front of every text (SentencePiece)
  bool by_texts = true;  ///< its tokens' texts stand in the text at their offsets, which tells whether these are right
  bool operator==(const OffsetRule&) const = default;
};

/// The rule that the offsets of a text's tokens follow; the text must have characters of several bytes. Nothing where
/// they follow none, such as those of a server that adds up the lengths of parts of characters.
std::optional<OffsetRule> find_offset_rule(const ScoredPrompt& prompt, std::string_view text);

/// The values of the tokens of `text` that begin at byte `from` or after it. Fails where offsets are missing, -1 or
/// against the rule, or no token begins there.
Result<std::vector<float>> take_from_offset(const ScoredPrompt& prompt, OffsetRule rule, size_t from,
                                            std::string_view text);

/// The texts of the same tokens.
TokenTexts texts_from_offset(const ScoredPrompt& prompt, OffsetRule rule, size_t from, std::string_view text);

/// The largest difference of two lists of values, in nats; infinite where they differ in shape.
double largest_difference(const ScoredPrompt& first, const ScoredPrompt& second);

}  // namespace hre::server
