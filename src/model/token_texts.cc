#include <algorithm>

#include "core/text.h"
#include "hre/scorer.h"

namespace hre {
namespace {

constexpr std::string_view kReplacement = "\xEF\xBF\xBD";

/// Whether these bytes, which are not valid UTF-8, could become valid with more bytes after them.
bool may_go_on(std::string_view bytes) {
  const auto lead = static_cast<unsigned char>(bytes[0]);
  const size_t length = lead >= 0xF0 ? 4 : lead >= 0xE0 ? 3 : lead >= 0xC2 ? 2 : 0;
  return bytes.size() < length && lead <= 0xF4 && std::all_of(bytes.begin() + 1, bytes.end(), [](char c) {
           return (static_cast<unsigned char>(c) & 0xC0) == 0x80;
         });
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
