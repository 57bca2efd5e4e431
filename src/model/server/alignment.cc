#include "model/server/alignment.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "core/text.h"

namespace hre::server {
namespace {

using Value = std::optional<float>;

/// What differs less than this is the same value, computed in another batch; another token moves it further.
constexpr double kSame = 0.05;

tl::unexpected<Error> wrong(const std::string& what) { return fail(ErrorCode::kFailed, what); }

bool same(const Value& a, const Value& b) {
  if (!a || !b) return a.has_value() == b.has_value();
  return *a == *b || std::abs(*a - *b) <= kSame;
}

/// n entries, or n + 1 where a token was generated.
bool is_count(size_t n_entries, size_t n_tokens, int shift) {
  const auto expected = static_cast<ptrdiff_t>(n_tokens) + shift;
  return static_cast<ptrdiff_t>(n_entries) == expected || static_cast<ptrdiff_t>(n_entries) == expected + 1;
}

Result<std::vector<float>> take(const ScoredPrompt& prompt, size_t first, std::span<const Token> targets) {
  std::vector<float> values;
  for (size_t t = 0; t < targets.size(); ++t) {
    const Value& value = prompt.log_probs[first + t];
    if (!value) return wrong("the server sent no log-probability for a token of the answer");
    if (!prompt.ids.empty() && prompt.ids[first + t] != targets[t]) {
      return wrong(fmt::format("the server scored token {} where {} was sent", prompt.ids[first + t], targets[t]));
    }
    values.push_back(*value);
  }
  return values;
}

}  // namespace

Result<Alignment> find_alignment(const ScoredPrompt& first, const ScoredPrompt& second, size_t n_first, size_t n_second,
                                 size_t n_equal) {
  const auto [a, b] = std::mismatch(first.log_probs.begin(), first.log_probs.end(), second.log_probs.begin(),
                                    second.log_probs.end(), same);
  if (a == first.log_probs.end() || b == second.log_probs.end()) {
    return wrong("two different texts got the same log-probabilities");
  }
  const auto differs = static_cast<ptrdiff_t>(a - first.log_probs.begin());
  const Alignment alignment{static_cast<int>(differs - static_cast<ptrdiff_t>(n_equal))};
  if (alignment.shift < -1 || alignment.shift > 1) {
    return wrong(
        fmt::format("its values differ from token {} on, though the texts differ from token {} on: they are no "
                    "left-to-right log-probabilities of the text that was sent",
                    differs, n_equal));
  }
  const bool counts = is_count(first.log_probs.size(), n_first, alignment.shift) &&
                      is_count(second.log_probs.size(), n_second, alignment.shift);
  const bool first_is_null = !first.log_probs.front().has_value();
  if (alignment.shift == -1 && first_is_null) return wrong("its values stand one token too early");
  if (!counts) {
    return wrong(fmt::format("it sent {} log-probabilities for {} tokens", first.log_probs.size(), n_first));
  }
  if (alignment.shift == 0 && !first_is_null) {
    return wrong("its first token has a log-probability, though nothing stands before it");
  }
  return alignment;
}

Result<std::vector<float>> take_targets(const ScoredPrompt& prompt, Alignment alignment, size_t n_sent,
                                        std::span<const Token> targets) {
  if (!is_count(prompt.log_probs.size(), n_sent, alignment.shift)) {
    return wrong(fmt::format("the server sent {} log-probabilities for {} tokens", prompt.log_probs.size(), n_sent));
  }
  const auto first = static_cast<ptrdiff_t>(n_sent - targets.size()) + alignment.shift;
  if (targets.size() > n_sent || first < 0) return wrong("nothing stands before the answer");
  return take(prompt, static_cast<size_t>(first), targets);
}

Result<std::vector<float>> take_last(const ScoredPrompt& prompt, size_t n_entries, std::span<const Token> targets) {
  if (prompt.log_probs.size() != n_entries || targets.size() > n_entries) {
    return wrong(fmt::format("the server sent {} log-probabilities where {} were asked for", prompt.log_probs.size(),
                             n_entries));
  }
  return take(prompt, n_entries - targets.size(), targets);
}

Result<std::vector<float>> take_from_offset(const ScoredPrompt& prompt, int64_t from, int64_t size) {
  if (prompt.offsets.empty()) return wrong("the server sent no text offsets");
  std::vector<float> values;
  int64_t before = 0;
  for (size_t i = 0; i < prompt.offsets.size(); ++i) {
    const int64_t offset = prompt.offsets[i];
    if (offset < before) return wrong("the server's text offsets do not grow");
    before = offset;
    if (offset < from) continue;
    if (offset >= size) break;  // generated
    if (!prompt.log_probs[i]) return wrong("the server sent no log-probability for a token of the answer");
    values.push_back(*prompt.log_probs[i]);
  }
  if (values.empty()) return wrong("no token begins within the answer");
  return values;
}

TokenTexts texts_from_offset(const ScoredPrompt& prompt, int64_t from, std::string_view text) {
  const int64_t size = count_code_points(text);
  std::vector<int64_t> begins;
  for (const int64_t offset : prompt.offsets) {
    if (offset >= from && offset < size) begins.push_back(offset);
  }
  if (begins.empty()) return {};
  text.remove_prefix(first_code_points(text, begins.front()).size());
  std::vector<std::string> pieces;
  for (size_t i = 0; i < begins.size(); ++i) {
    const int64_t end = i + 1 < begins.size() ? begins[i + 1] : size;
    pieces.emplace_back(first_code_points(text, end - begins[i]));
    text.remove_prefix(pieces.back().size());
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
