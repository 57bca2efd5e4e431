#include "model/server/alignment.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "core/text.h"

namespace hre::server {
namespace {

using Value = std::optional<float>;

/// Values that differ less than this are the same value, computed in another batch; another token differs more. Values
/// from bfloat16 logits have steps of up to 0.125, so the coarser bound is tried if the finer one finds no alignment.
constexpr double kSame = 0.05, kSameInSteps = 0.26;

tl::unexpected<Error> wrong(const std::string& what) { return fail(ErrorCode::kFailed, what); }

bool same(const Value& a, const Value& b, double bound) {
  if (!a || !b) return a.has_value() == b.has_value();
  return *a == *b || std::abs(*a - *b) <= bound;
}

/// Whether there are n entries, or n + 1 if a token was generated.
bool is_count(size_t n_entries, size_t n_tokens, int shift) {
  const auto expected = static_cast<ptrdiff_t>(n_tokens) + shift;
  return static_cast<ptrdiff_t>(n_entries) == expected || static_cast<ptrdiff_t>(n_entries) == expected + 1;
}

Result<std::vector<float>> take(const ScoredPrompt& prompt, size_t first, std::span<const Token> targets) {
  std::vector<float> values;
  for (size_t t = 0; t < targets.size(); ++t) {
    const Value& value = prompt.log_probs[first + t];
    if (!value) return wrong("the server sent no log-probability for a token of the answer");
    const bool known = !prompt.ids.empty() && prompt.ids[first + t] >= 0;
    if (known && prompt.ids[first + t] != targets[t]) {
      return wrong(fmt::format("the server scored token {}, but {} was sent", prompt.ids[first + t], targets[t]));
    }
    values.push_back(*value);
  }
  return values;
}

/// The byte offsets at which the tokens begin in the text; text.size() for a token generated after it.
Result<std::vector<size_t>> byte_offsets(const ScoredPrompt& prompt, OffsetRule rule, std::string_view text) {
  if (prompt.offsets.empty()) return wrong("the server sent no text offsets");
  std::vector<size_t> begins;
  int64_t before = 0;
  size_t byte = 0;
  for (const int64_t listed : prompt.offsets) {
    const int64_t offset = listed > 0 ? listed - rule.after_space : listed;
    if (offset < before) return wrong("the server's text offsets do not increase");
    byte = rule.in_bytes ? std::min(static_cast<size_t>(offset), text.size())
                         : byte + first_code_points(text.substr(byte), offset - before).size();
    before = offset;
    begins.push_back(byte);
  }
  return begins;
}

/// Whether the token's text is all of the text at its place. Parts of a character are listed as U+FFFD or empty, which
/// proves nothing.
bool stands_at(std::string_view there, std::string_view token) {
  constexpr std::string_view kReplacement = "\xEF\xBF\xBD";
  return token == there || token.empty() || token.find(kReplacement) != std::string_view::npos;
}

/// Whether the offsets are right: tokens' texts are found at their offsets, and the one token generated after the text
/// begins at its end. Nothing if there is neither to check.
std::optional<bool> follow(const ScoredPrompt& prompt, OffsetRule rule, std::span<const size_t> begins,
                           std::string_view text) {
  const auto n = static_cast<size_t>(std::lower_bound(begins.begin(), begins.end(), text.size()) - begins.begin());
  const bool generated = n < begins.size();
  const int64_t size = rule.after_space + (rule.in_bytes ? static_cast<int64_t>(text.size()) : count_code_points(text));
  if (generated && (n + 1 < begins.size() || prompt.offsets[n] != size)) return false;
  if (!rule.by_texts) return generated ? std::optional(true) : std::nullopt;
  if (prompt.texts.empty()) return false;
  for (size_t i = 0; i < n; ++i) {
    const size_t end = i + 1 < n ? begins[i + 1] : text.size();
    std::string_view token = prompt.texts[i];
    if (rule.after_space && i == 0 && token.starts_with(' ')) token.remove_prefix(1);
    if (!stands_at(text.substr(begins[i], end - begins[i]), token)) return false;
  }
  return true;
}

Result<std::vector<size_t>> checked_offsets(const ScoredPrompt& prompt, OffsetRule rule, std::string_view text) {
  auto begins = byte_offsets(prompt, rule, text);
  if (begins && !follow(prompt, rule, *begins, text).value_or(true)) {
    return wrong("the server's text offsets do not match its tokens; give a tokenizer with ,tokenizer=FILE.gguf");
  }
  return begins;
}

Result<Alignment> find_alignment_within(double bound, const ScoredPrompt& first, const ScoredPrompt& second,
                                        size_t n_first, size_t n_second, size_t n_equal) {
  const auto [a, b] =
      std::mismatch(first.log_probs.begin(), first.log_probs.end(), second.log_probs.begin(), second.log_probs.end(),
                    [bound](const Value& x, const Value& y) { return same(x, y, bound); });
  if (a == first.log_probs.end() || b == second.log_probs.end()) {
    return wrong("two different texts got the same log-probabilities");
  }
  const auto differs = static_cast<ptrdiff_t>(a - first.log_probs.begin());
  const Alignment alignment{static_cast<int>(differs - static_cast<ptrdiff_t>(n_equal))};
  if (alignment.shift < -1 || alignment.shift > 1) {
    return wrong(
        fmt::format("its values differ from token {} on, though the texts differ from token {} on: they are not "
                    "left-to-right log-probabilities of the text that was sent",
                    differs, n_equal));
  }
  const bool counts = is_count(first.log_probs.size(), n_first, alignment.shift) &&
                      is_count(second.log_probs.size(), n_second, alignment.shift);
  const bool first_is_null = !first.log_probs.front().has_value();
  if (alignment.shift == -1 && first_is_null) return wrong("its values are one token too early");
  if (!counts) {
    return wrong(fmt::format("it sent {} log-probabilities for {} tokens", first.log_probs.size(), n_first));
  }
  if (alignment.shift == 0 && !first_is_null) {
    return wrong("its first token has a log-probability, though nothing precedes it");
  }
  return alignment;
}

}  // namespace

Result<Alignment> find_alignment(const ScoredPrompt& first, const ScoredPrompt& second, size_t n_first, size_t n_second,
                                 size_t n_equal) {
  auto fine = find_alignment_within(kSame, first, second, n_first, n_second, n_equal);
  if (fine) return fine;
  auto coarse = find_alignment_within(kSameInSteps, first, second, n_first, n_second, n_equal);
  return coarse ? coarse : fine;
}

Result<std::vector<float>> take_targets(const ScoredPrompt& prompt, Alignment alignment, size_t n_sent,
                                        std::span<const Token> targets) {
  if (!is_count(prompt.log_probs.size(), n_sent, alignment.shift)) {
    return wrong(fmt::format("the server sent {} log-probabilities for {} tokens", prompt.log_probs.size(), n_sent));
  }
  const auto first = static_cast<ptrdiff_t>(n_sent - targets.size()) + alignment.shift;
  if (targets.size() > n_sent || first < 0) return wrong("nothing precedes the answer");
  return take(prompt, static_cast<size_t>(first), targets);
}

Result<std::vector<float>> take_last(const ScoredPrompt& prompt, std::span<const Token> targets) {
  const size_t n = prompt.log_probs.size();
  if (n != targets.size() + 1 && n != targets.size()) {
    return wrong(fmt::format("the server sent {} log-probabilities, but {} were requested", n, targets.size() + 1));
  }
  return take(prompt, n - targets.size(), targets);
}

std::optional<OffsetRule> find_offset_rule(const ScoredPrompt& prompt, std::string_view text) {
  // Without the tokens' texts, other ways to count could also fit the end of the text.
  constexpr OffsetRule kRules[] = {{false, false, true}, {true, false, true},   {false, true, true},
                                   {true, true, true},   {false, false, false}, {true, false, false}};
  for (const OffsetRule& rule : kRules) {
    const auto begins = byte_offsets(prompt, rule, text);
    if (begins && follow(prompt, rule, *begins, text).value_or(false)) return rule;
  }
  return std::nullopt;
}

Result<std::vector<float>> take_from_offset(const ScoredPrompt& prompt, OffsetRule rule, size_t from,
                                            std::string_view text) {
  auto begins = checked_offsets(prompt, rule, text);
  if (!begins) return forward(begins);
  std::vector<float> values;
  for (size_t i = 0; i < begins->size() && (*begins)[i] < text.size(); ++i) {
    if ((*begins)[i] < from) continue;
    if (!prompt.log_probs[i]) return wrong("the server sent no log-probability for a token of the answer");
    values.push_back(*prompt.log_probs[i]);
  }
  if (values.empty()) return wrong("no token begins within the answer");
  return values;
}

TokenTexts texts_from_offset(const ScoredPrompt& prompt, OffsetRule rule, size_t from, std::string_view text) {
  auto begins = checked_offsets(prompt, rule, text);
  if (!begins) return {};
  std::vector<std::string> pieces;
  for (size_t i = 0; i < begins->size() && (*begins)[i] < text.size(); ++i) {
    if ((*begins)[i] < from) continue;
    const size_t end = i + 1 < begins->size() ? (*begins)[i + 1] : text.size();
    pieces.emplace_back(text.substr((*begins)[i], end - (*begins)[i]));
  }
  return token_texts(pieces);
}

double largest_difference(const ScoredPrompt& first, const ScoredPrompt& second) {
  constexpr double kInfinite = std::numeric_limits<double>::infinity();
  if (first.log_probs.size() != second.log_probs.size()) return kInfinite;
  double largest = 0;
  for (size_t i = 0; i < first.log_probs.size(); ++i) {
    const Value &a = first.log_probs[i], &b = second.log_probs[i];
    if (a.has_value() != b.has_value()) return kInfinite;
    if (a && b && *a != *b) largest = std::max(largest, static_cast<double>(std::abs(*a - *b)));
  }
  return largest;
}

}  // namespace hre::server
