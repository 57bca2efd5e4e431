#pragma once
/// Which entry of a server's list belongs to which token: found by an experiment, and used for every answer. Pure.

#include <span>
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

/// The same of a list that has been cut to begin at some token before the targets (SGLang): its last entries.
Result<std::vector<float>> take_last(const ScoredPrompt& prompt, size_t n_entries, std::span<const Token> targets);

/// By text offsets: the values of tokens that begin at `from` or after it, in a text of `size` (both in the server's
/// unit). Fails where offsets are missing or -1, or none lies there.
Result<std::vector<float>> take_from_offset(const ScoredPrompt& prompt, int64_t from, int64_t size);

/// The texts of the tokens that begin at `from` or after it, up to the end of `text`; offsets and `from` in code
/// points.
TokenTexts texts_from_offset(const ScoredPrompt& prompt, int64_t from, std::string_view text);

/// The largest difference of two lists of values, in nats; infinite where they differ in shape.
double largest_difference(const ScoredPrompt& first, const ScoredPrompt& second);

}  // namespace hre::server
