#include "stackexchange/words.h"

#include <xxhash.h>

#include <algorithm>
#include <utility>

#include "core/text.h"

namespace hre::stackexchange {
namespace {

struct Range {
  uint32_t first, last;
};
constexpr Range kWithoutSpaces[] = {
    {0x0E00, 0x0EFF},    // Thai, Lao
    {0x1000, 0x109F},    // Burmese
    {0x1780, 0x17FF},    // Khmer
    {0x3040, 0x30FF},    // Hiragana, Katakana
    {0x31F0, 0x31FF},    // Katakana, extended
    {0x3400, 0x4DBF},    // Han, extension A
    {0x4E00, 0x9FFF},    // Han
    {0xF900, 0xFAFF},    // Han, compatibility
    {0xFF66, 0xFF9F},    // Katakana, half width
    {0x20000, 0x3FFFF},  // Han, further extensions
};

// The number of bytes of the character at the beginning of valid UTF-8 if its script has no spaces; otherwise 0.
size_t character_without_spaces(std::string_view text) {
  const auto byte = [&](size_t i) { return static_cast<uint32_t>(static_cast<unsigned char>(text[i])); };
  const size_t length = length_by_first(text[0]);
  if (length < 3 || text.size() < length) return 0;
  uint32_t c = byte(0) & (length == 4 ? 0x07 : 0x0F);
  for (size_t i = 1; i < length; ++i) c = c << 6 | (byte(i) & 0x3F);
  const bool is_word = std::ranges::any_of(kWithoutSpaces, [&](Range r) { return r.first <= c && c <= r.last; });
  return is_word ? length : 0;
}

}  // namespace

std::vector<std::string> words_of(std::string_view text) {
  std::vector<std::string> words;
  std::string word;
  const auto end_word = [&] {
    if (!word.empty()) words.push_back(std::exchange(word, {}));
  };
  for (size_t at = 0; at < text.size();) {
    if (const size_t length = character_without_spaces(text.substr(at)); length > 0) {
      end_word();
      words.emplace_back(text.substr(at, length));
      at += length;
      continue;
    }
    const char c = text[at++];
    if (is_space(c)) {
      end_word();
    } else {
      word += c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
    }
  }
  end_word();
  return words;
}

std::vector<uint64_t> hashes_of_runs(const std::vector<std::string>& words, size_t n) {
  std::vector<uint64_t> hashes;
  for (size_t i = 0; n > 0 && i + n <= words.size(); ++i) {
    std::string run;
    for (size_t k = i; k < i + n; ++k) run += words[k] + ' ';
    hashes.push_back(XXH3_64bits(run.data(), run.size()));
  }
  return hashes;
}

}  // namespace hre::stackexchange
