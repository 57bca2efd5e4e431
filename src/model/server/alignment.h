#pragma once
/// Which entry of a server's list belongs to which token: found by an experiment, and then used for every answer. Pure.

#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "hre/result.h"
#include "hre/scorer.h"
#include "model/server/responses.h"

namespace hre::server {

/// The log-probability of a prompt's token i, given the tokens before it, is entry i + shift. The shift is 0 if the
/// first entry is the null of the first token, 1 if the server prepended a beginning-of-sequence token, and -1 if the
/// first token has no entry.
struct Alignment {
  int shift = 0;
};

/// Finds the alignment from two prompts that agree in their first `n_equal` tokens and differ in the next one: a
/// left-to-right model gives equal values before that token and different values at it. `n_first` and `n_second` are
/// the prompts' numbers of tokens. Fails if no alignment fits, for example because values are one place too early, and
/// says what is wrong.
Result<Alignment> find_alignment(const ScoredPrompt& first, const ScoredPrompt& second, size_t n_first, size_t n_second,
                                 size_t n_equal);

/// The values of the last `targets` of a prompt of `n_sent` tokens. Fails if the number of entries, a null or the ids
/// (if the server sends them) contradict the alignment.
Result<std::vector<float>> take_targets(const ScoredPrompt& prompt, Alignment alignment, size_t n_sent,
                                        std::span<const Token> targets);

/// The same for a list that begins at the token before the targets (SGLang): that token's entry, which has no value and
/// is missing in old versions, and the targets' entries.
Result<std::vector<float>> take_last(const ScoredPrompt& prompt, std::span<const Token> targets);

/// How a server counts its text offsets.
struct OffsetRule {
  bool in_bytes = false;     ///< otherwise in code points
  bool after_space = false;  ///< its tokenizer puts a space before every text (SentencePiece), which the offsets count
  bool by_texts = true;      ///< tokens' texts are found at their offsets, so offsets can be checked
  bool operator==(const OffsetRule&) const = default;
};

/// The rule that the offsets of a text's tokens follow; the text must contain multi-byte characters. Nothing if they
/// follow none, such as those of a server that adds up the lengths of parts of characters.
std::optional<OffsetRule> find_offset_rule(const ScoredPrompt& prompt, std::string_view text);

/// The values of the tokens of `text` that begin at byte `from` or later. Fails if offsets are missing, -1 or against
/// the rule, or if no token begins there.
Result<std::vector<float>> take_from_offset(const ScoredPrompt& prompt, OffsetRule rule, size_t from,
                                            std::string_view text);

/// The texts of the same tokens.
TokenTexts texts_from_offset(const ScoredPrompt& prompt, OffsetRule rule, size_t from, std::string_view text);

/// The largest difference between two lists of values, in nats; infinite if they differ in shape.
double largest_difference(const ScoredPrompt& first, const ScoredPrompt& second);

}  // namespace hre::server
