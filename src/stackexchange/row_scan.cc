#include "stackexchange/row_scan.h"

#include <algorithm>
#include <charconv>
#include <cstring>
#include <optional>

#include "core/text.h"

#if defined(__SSE2__)
#include <emmintrin.h>
#endif

namespace hre::stackexchange {
namespace {

constexpr size_t kMostAttributes = 64;

bool is_name_start(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_'; }
bool is_name(char c) { return is_name_start(c) || (c >= '0' && c <= '9') || c == '-' || c == '.'; }

bool is_xml_char(uint32_t c) {
  return c == 0x9 || c == 0xA || c == 0xD || (c >= 0x20 && c <= 0xD7FF) || (c >= 0xE000 && c <= 0xFFFD) ||
         (c >= 0x10000 && c <= 0x10FFFF);
}

// The code point of "#65" or "#x41"; nothing if XML does not allow the character.
std::optional<uint32_t> character_reference(std::string_view name) {
  const bool hex = name.starts_with("#x");
  name.remove_prefix(hex ? 2 : 1);
  uint32_t value = 0;
  const auto [end, problem] = std::from_chars(name.data(), name.data() + name.size(), value, hex ? 16 : 10);
  if (problem != std::errc() || end != name.data() + name.size() || !is_xml_char(value)) return std::nullopt;
  return value;
}

std::optional<uint32_t> reference(std::string_view name) {
  if (name == "lt") return '<';
  if (name == "gt") return '>';
  if (name == "amp") return '&';
  if (name == "quot") return '"';
  if (name == "apos") return '\'';
  if (name.starts_with('#')) return character_reference(name);
  return std::nullopt;
}

constexpr size_t kLongestReference = 12;  // "#x10FFFF" with some leading zeros

// The word's length is known to the compiler, which makes one comparison of it.
template <size_t kSize>
bool begins(const char* at, const char* end, const char (&word)[kSize]) {
  return static_cast<size_t>(end - at) >= kSize - 1 && std::memcmp(at, word, kSize - 1) == 0;
}

// Whether a reference that XML knows follows an "&".
bool is_reference(std::string_view text) {
  const char *const at = text.data(), *const end = at + text.size();
  // Those that dumps have are recognised without a search.
  if (begins(at, end, "lt;") || begins(at, end, "gt;") || begins(at, end, "#xA;") || begins(at, end, "quot;") ||
      begins(at, end, "amp;") || begins(at, end, "#xD;")) {
    return true;
  }
  const std::string_view rest = text.substr(0, kLongestReference);
  const size_t semicolon = rest.find(';');
  return semicolon != std::string_view::npos && reference(rest.substr(0, semicolon)).has_value();
}

// Properties of a stretch of bytes.
struct Found {
  size_t stop = std::string_view::npos;  // the first '"' or '<'
  bool control = false;                  // bytes below 0x20 before the stop (or slightly after it)
  bool high = false;                     // bytes of 0x80 and above, likewise
  bool bad_reference = false;            // an "&" before the stop that begins none: no reference has a '"' or '<'
};

Found find_stop(std::string_view text, size_t at) {
  Found found;
#if defined(__SSE2__)
  const __m128i quote = _mm_set1_epi8('"'), less = _mm_set1_epi8('<'), ampersand = _mm_set1_epi8('&'),
                last_control = _mm_set1_epi8(0x1F);
  __m128i all = _mm_setzero_si128(), controls = all;
  const auto where = [](__m128i equal) { return static_cast<unsigned>(_mm_movemask_epi8(equal)); };
  for (; at + 16 <= text.size(); at += 16) {
    const __m128i block = _mm_loadu_si128(reinterpret_cast<const __m128i*>(text.data() + at));
    const unsigned stops = where(_mm_or_si128(_mm_cmpeq_epi8(block, quote), _mm_cmpeq_epi8(block, less)));
    all = _mm_or_si128(all, block);
    controls = _mm_or_si128(controls, _mm_cmpeq_epi8(_mm_min_epu8(block, last_control), block));
    unsigned references = where(_mm_cmpeq_epi8(block, ampersand)) & (stops - 1) & ~stops;  // before the first stop
    for (; references != 0; references &= references - 1) {
      const auto begin = at + static_cast<size_t>(__builtin_ctz(references)) + 1;
      found.bad_reference = found.bad_reference || !is_reference(text.substr(begin));
    }
    if (stops != 0) {
      found.stop = at + static_cast<size_t>(__builtin_ctz(stops));
      break;
    }
  }
  found.high = where(all) != 0;
  found.control = where(controls) != 0;
  if (found.stop != std::string_view::npos) return found;
#endif
  for (; at < text.size(); ++at) {
    const auto byte = static_cast<unsigned char>(text[at]);
    if (byte == '"' || byte == '<') {
      found.stop = at;
      return found;
    }
    found.control = found.control || byte < 0x20;
    found.high = found.high || byte >= 0x80;
    if (byte == '&') found.bad_reference = found.bad_reference || !is_reference(text.substr(at + 1));
  }
  return found;
}

bool has_bad_control(std::string_view value) {
  return std::any_of(value.begin(), value.end(),
                     [](char c) { return static_cast<unsigned char>(c) < 0x20 && !is_xml_space(c); });
}

bool has_bad_utf8(std::string_view value) {
  return find_invalid_utf8(value) || value.find("\xEF\xBF\xBE") != std::string_view::npos ||
         value.find("\xEF\xBF\xBF") != std::string_view::npos;
}

// Reads a value from text[at], which follows its opening quote; moves `at` past the closing quote.
Scan scan_value(std::string_view text, size_t& at, std::string_view& value) {
  const Found found = find_stop(text, at);
  if (found.stop == std::string_view::npos) return Scan::kMore;
  if (text[found.stop] == '<') return Scan::kBad;
  value = text.substr(at, found.stop - at);
  if (found.control && has_bad_control(value)) return Scan::kBad;
  if (found.high && has_bad_utf8(value)) return Scan::kBad;
  if (found.bad_reference) return Scan::kBad;
  at = found.stop + 1;
  return Scan::kDone;
}

// Reads a name, "=" and the opening quote from text[at].
Scan scan_name(std::string_view text, size_t& at, std::string_view& name) {
  if (!is_name_start(text[at])) return Scan::kBad;
  const size_t begin = at;
  while (at < text.size() && is_name(text[at])) ++at;
  if (at + 2 > text.size()) return Scan::kMore;
  name = text.substr(begin, at - begin);
  if (text[at] != '=' || text[at + 1] != '"') return Scan::kBad;
  at += 2;
  return Scan::kDone;
}

void append_code_point(uint32_t c, std::string& to) {
  if (c < 0x80) {
    to += static_cast<char>(c);
  } else if (c < 0x800) {
    to += {static_cast<char>(0xC0 | c >> 6), static_cast<char>(0x80 | (c & 0x3F))};
  } else if (c < 0x10000) {
    to += {static_cast<char>(0xE0 | c >> 12), static_cast<char>(0x80 | (c >> 6 & 0x3F)),
           static_cast<char>(0x80 | (c & 0x3F))};
  } else {
    to += {static_cast<char>(0xF0 | c >> 18), static_cast<char>(0x80 | (c >> 12 & 0x3F)),
           static_cast<char>(0x80 | (c >> 6 & 0x3F)), static_cast<char>(0x80 | (c & 0x3F))};
  }
}

/// The length of a reference to a character that XML doesn't allow, at the beginning of a text; 0 if there is none.
size_t forbidden_reference(std::string_view text) {
  if (!text.starts_with("&#")) return 0;
  const size_t semicolon = text.substr(0, kLongestReference + 1).find(';');
  if (semicolon == std::string_view::npos) return 0;
  std::string_view digits = text.substr(2, semicolon - 2);
  const bool hex = digits.starts_with('x');
  if (hex) digits.remove_prefix(1);
  uint32_t value = 0;
  const auto [end, problem] = std::from_chars(digits.data(), digits.data() + digits.size(), value, hex ? 16 : 10);
  const bool number = problem == std::errc() && end == digits.data() + digits.size();
  return number && !is_xml_char(value) ? semicolon + 1 : 0;
}

}  // namespace

std::string without_control_characters(std::string_view row) {
  std::string clean;
  clean.reserve(row.size());
  for (size_t at = 0; at < row.size();) {
    const auto byte = static_cast<unsigned char>(row[at]);
    if (byte < 0x20 && !is_xml_space(row[at])) {
      ++at;
    } else if (const size_t length = forbidden_reference(row.substr(at)); length > 0) {
      at += length;
    } else {
      clean += row[at++];
    }
  }
  return clean;
}

Scan scan_row(std::string_view text, std::vector<ScannedAttribute>& attributes, size_t& length) {
  constexpr std::string_view kStart = "<row";
  if (!text.starts_with(kStart)) return text.size() < kStart.size() ? Scan::kMore : Scan::kBad;
  size_t at = kStart.size();
  while (true) {
    const size_t before = at;
    while (at < text.size() && is_xml_space(text[at])) ++at;
    if (at + 2 > text.size()) return Scan::kMore;
    if (text[at] == '/') {
      length = at + 2;
      return text[at + 1] == '>' ? Scan::kDone : Scan::kBad;
    }
    std::string_view name, value;
    if (at == before || attributes.size() == kMostAttributes) return Scan::kBad;
    if (const Scan scan = scan_name(text, at, name); scan != Scan::kDone) return scan;
    if (const Scan scan = scan_value(text, at, value); scan != Scan::kDone) return scan;
    for (const auto& other : attributes) {
      if (is_same_name(other.name, name)) return Scan::kBad;
    }
    attributes.push_back({name, value, false});
  }
}

void decode_attribute(std::string_view raw, std::string& to) {
  to.reserve(to.size() + raw.size());
  for (size_t at = 0; at < raw.size();) {
    const size_t plain = std::min(raw.find_first_of("&\t\n\r", at), raw.size());
    to.append(raw, at, plain - at);
    at = plain;
    if (at == raw.size()) return;
    if (raw[at] == '&') {
      const size_t semicolon = raw.find(';', at);
      append_code_point(reference(raw.substr(at + 1, semicolon - at - 1)).value_or(0xFFFD), to);
      at = semicolon == std::string_view::npos ? raw.size() : semicolon + 1;
    } else {  // XML reads any line break within a value as one space
      at += raw.substr(at, 2) == "\r\n" ? 2 : 1;
      to += ' ';
    }
  }
}

}  // namespace hre::stackexchange
