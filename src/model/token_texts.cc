#include <algorithm>

#include "core/text.h"
#include "hre/scorer.h"

namespace hre {
namespace {

constexpr std::string_view kReplacement = "\xEF\xBF\xBD";

/// Whether these bytes, which are not valid UTF-8, could become valid with more bytes after them.
bool may_go_on(std::string_view bytes) {
  return bytes.size() < length_by_first(bytes[0]) && std::ranges::all_of(bytes.substr(1), continues_character);
}

/// Moves the complete characters of `pending` to `text`.
void take_characters(std::string& pending, std::string& text) {
  size_t at = 0;
  while (at < pending.size()) {
    const std::string_view rest = std::string_view(pending).substr(at);
    const size_t valid = find_invalid_utf8(rest).value_or(rest.size());
    text += rest.substr(0, valid);
    at += valid;
    if (at == pending.size() || may_go_on(rest.substr(valid))) break;
    text += kReplacement;
    ++at;
  }
  pending.erase(0, at);
}

}  // namespace

TokenTexts token_texts(const std::vector<std::string>& pieces) {
  TokenTexts texts;
  std::string pending;
  for (const std::string& piece : pieces) {
    pending += piece;
    take_characters(pending, texts.text);
    texts.ends.push_back(static_cast<uint32_t>(texts.text.size()));
  }
  for (size_t i = 0; i < pending.size(); ++i) texts.text += kReplacement;
  if (!texts.ends.empty()) texts.ends.back() = static_cast<uint32_t>(texts.text.size());
  return texts;
}

}  // namespace hre
