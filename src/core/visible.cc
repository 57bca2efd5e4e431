#include "core/visible.h"

#include <fmt/format.h>

#include "core/text.h"

namespace hre {
namespace {

unsigned byte_of(std::string_view character, size_t i) {
  return i < character.size() ? static_cast<unsigned char>(character[i]) : 0U;
}

/// The picture of a control character below U+0020: ␛ for escape.
std::string picture(unsigned control) { return {'\xE2', '\x90', static_cast<char>(0x80 + control)}; }

/// The code point of a character that is shown as its number; 0 for any other.
unsigned shown_by_number(std::string_view character) {
  const unsigned lead = byte_of(character, 0), second = byte_of(character, 1), third = byte_of(character, 2);
  if (lead == 0xC2 && second >= 0x80 && second < 0xA0) return second;  // U+0080 to U+009F
  if (character == "\u00AD") return 0x00AD;
  if (character == "\u061C") return 0x061C;
  if (character == "\u180E") return 0x180E;
  if (character == "\uFEFF") return 0xFEFF;
  if (lead == 0xE2 && second == 0x80 &&
      (third == 0x8B || third == 0x8E || third == 0x8F || (third >= 0xA8 && third <= 0xAE))) {
    return 0x2000 + third - 0x80;
  }
  if (lead == 0xE2 && second == 0x81 && third >= 0xA0 && third <= 0xAF) return 0x2040 + third - 0x80;
  return 0;
}

}  // namespace

std::string visible_text(std::string_view text) {
  std::string result;
  while (!text.empty()) {
    const std::string_view character = text.substr(0, character_end(text, 0));
    text.remove_prefix(character.size());
    const unsigned lead = byte_of(character, 0);
    if (character == "\n") {
      result += '\n';
    } else if (character == "\t") {
      result += "    ";
    } else if (character == "\r" && text.starts_with('\n')) {
      continue;  // a line end as Windows writes it
    } else if (lead < 0x20) {
      result += picture(lead);
    } else if (lead == 0x7F) {
      result += "␡";
    } else if (const unsigned number = shown_by_number(character); number != 0) {
      result += fmt::format("<U+{:04X}>", number);
    } else {
      result += character;
    }
  }
  return result;
}

std::string visible_line(std::string_view text) {
  std::string line = visible_text(text);
  for (size_t at = line.find('\n'); at != std::string::npos; at = line.find('\n', at))
    line.replace(at, 1, picture('\n'));
  return line;
}

}  // namespace hre
