#include "core/text.h"

#include <fmt/format.h>
#include <wchar.h>

#include <algorithm>
#include <charconv>
#include <cmath>

namespace hre {
namespace {

struct Decoded {
  uint32_t code_point;
  int length;  // in bytes; 0 if the bytes are not valid UTF-8
};

Decoded decode(std::string_view text, size_t at) {
  const auto byte = [&](size_t i) { return static_cast<unsigned char>(text[i]); };
  const unsigned char lead = byte(at);
  if (lead < 0x80) return {lead, 1};
  const auto length = static_cast<int>(length_by_first(text[at]));
  if (length == 0 || at + length > text.size()) return {0, 0};
  uint32_t code_point = lead & (0x7F >> length);
  for (int i = 1; i < length; ++i) {
    if (!continues_character(text[at + i])) return {0, 0};
    code_point = code_point << 6 | (byte(at + i) & 0x3F);
  }
  constexpr uint32_t kSmallest[] = {0, 0, 0x80, 0x800, 0x10000};
  const bool surrogate = code_point >= 0xD800 && code_point <= 0xDFFF;
  if (code_point < kSmallest[length] || code_point > 0x10FFFF || surrogate) return {0, 0};
  return {code_point, length};
}

int width_of(uint32_t c) {
  const auto in = [c](uint32_t low, uint32_t high) { return c >= low && c <= high; };
  if (c == 0x200B || c == 0x200D || in(0x300, 0x36F) || in(0xFE00, 0xFE0F) || in(0x20D0, 0x20FF)) return 0;
  const bool wide = in(0x1100, 0x115F) || in(0x2E80, 0xA4CF) || in(0xAC00, 0xD7A3) || in(0xF900, 0xFAFF) ||
                    in(0xFE30, 0xFE6F) || in(0xFF00, 0xFF60) || in(0xFFE0, 0xFFE6) || in(0x1F300, 0x1FAFF) ||
                    in(0x20000, 0x3FFFD);
  return wide ? 2 : 1;
}

// Matches one [set] at pattern[at] against c and moves `at` past the set. A set without an end is a plain '['.
bool matches_set(std::string_view pattern, size_t& at, char c) {
  const size_t close = pattern.find(']', at + 2);
  if (close == std::string_view::npos) return pattern[at++] == c;
  std::string_view set = pattern.substr(at + 1, close - at - 1);
  const bool negated = set.front() == '!' || set.front() == '^';
  if (negated) set.remove_prefix(1);
  bool found = false;
  for (size_t i = 0; i < set.size(); ++i) {
    const bool range = i + 2 < set.size() && set[i + 1] == '-';
    found = found || (range ? set[i] <= c && c <= set[i + 2] : set[i] == c);
    if (range) i += 2;
  }
  at = close + 1;
  return found != negated;
}

}  // namespace

std::optional<size_t> find_invalid_utf8(std::string_view text) {
  for (size_t at = 0; at < text.size();) {
    const int length = decode(text, at).length;
    if (length == 0) return at;
    at += length;
  }
  return std::nullopt;
}

int64_t count_code_points(std::string_view text) {
  return static_cast<int64_t>(text.size()) - std::ranges::count_if(text, continues_character);
}

std::string_view first_code_points(std::string_view text, int64_t n) {
  size_t end = 0;
  while (end < text.size()) {
    if (!continues_character(text[end]) && n-- == 0) break;
    ++end;
  }
  return text.substr(0, end);
}

int display_width(std::string_view text) {
  int width = 0;
  for (size_t at = 0; at < text.size();) {
    const Decoded next = decode(text, at);
    width += next.length == 0 ? 1 : width_of(next.code_point);
    at += std::max(1, next.length);
  }
  return width;
}

bool matches_glob(std::string_view pattern, std::string_view name) {
  // The classic two-pointer match: on a mismatch, go back to the last star and let it match one more byte.
  size_t p = 0, n = 0, star = std::string_view::npos, star_name = 0;
  while (n < name.size()) {
    size_t next = p;
    if (p < pattern.size() && pattern[p] == '*') {
      star = p++;
      star_name = n;
    } else if (p < pattern.size() && (pattern[p] == '?' || (pattern[p] == '[' ? matches_set(pattern, next, name[n])
                                                                              : pattern[p] == name[n]))) {
      p = pattern[p] == '[' ? next : p + 1;
      ++n;
    } else if (star != std::string_view::npos) {
      p = star + 1;
      n = ++star_name;
    } else {
      return false;
    }
  }
  while (p < pattern.size() && pattern[p] == '*') ++p;
  return p == pattern.size();
}

int edit_distance(std::string_view a, std::string_view b) {
  std::vector<std::vector<int>> d(a.size() + 1, std::vector<int>(b.size() + 1));
  for (size_t i = 0; i <= a.size(); ++i) {
    for (size_t j = 0; j <= b.size(); ++j) {
      if (i == 0 || j == 0) {
        d[i][j] = static_cast<int>(i + j);
        continue;
      }
      d[i][j] = std::min({d[i - 1][j] + 1, d[i][j - 1] + 1, d[i - 1][j - 1] + (a[i - 1] != b[j - 1])});
      if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
        d[i][j] = std::min(d[i][j], d[i - 2][j - 2] + 1);
    }
  }
  return d[a.size()][b.size()];
}

std::optional<std::string> nearest_name(std::string_view typed, const std::vector<std::string>& names) {
  constexpr size_t kLongestName = 64;
  if (typed.size() > kLongestName) return std::nullopt;
  int best = static_cast<int>(std::max<size_t>(1, typed.size() / 3)) + 1;
  std::optional<std::string> nearest;
  for (const std::string& name : names) {
    const int distance = edit_distance(typed, name);
    if (distance < best) {
      best = distance;
      nearest = name;
    }
  }
  return nearest;
}

std::string join(const std::vector<std::string>& parts, std::string_view separator) {
  std::string all;
  for (const std::string& part : parts) {
    if (&part != &parts.front()) all += separator;
    all += part;
  }
  return all;
}

std::optional<double> parse_finite_number(std::string_view text) {
  if (text.starts_with('+')) {
    text.remove_prefix(1);
    if (text.starts_with('-')) return std::nullopt;
  }
  double value = 0;
  const auto [end, problem] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (problem != std::errc() || end != text.data() + text.size() || !std::isfinite(value)) return std::nullopt;
  return value;
}

std::string counted(int64_t n, std::string_view noun) { return fmt::format("{} {}{}", n, noun, n == 1 ? "" : "s"); }

std::string size_text(double parameters, int digits, std::string_view before_unit) {
  const auto in = [&](double unit, char name) {
    return fmt::format("{:.{}g}{}{}", parameters / unit, digits, before_unit, name);
  };
  if (parameters >= 1e9) return in(1e9, 'B');
  if (parameters >= 1e6) return in(1e6, 'M');
  return parameters >= 1e3 ? in(1e3, 'K') : fmt::format("{:.{}g}", parameters, digits);
}

std::string flat(std::string_view text) {
  std::string result;
  for (const char c : text) result += static_cast<unsigned char>(c) < ' ' || c == 127 ? ' ' : c;
  return result;
}

std::string bytes_of_hex(std::string_view digits) {
  std::string bytes;
  for (size_t i = 0; i + 1 < digits.size(); i += 2) {
    int value = 0;
    std::from_chars(digits.data() + i, digits.data() + i + 2, value, 16);
    bytes += static_cast<char>(value);
  }
  return bytes;
}

std::string lower(std::string text) {
  std::ranges::transform(text, text.begin(),
                         [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
  return text;
}

std::string replaced(std::string_view text, std::initializer_list<std::pair<char, std::string_view>> replacements) {
  std::string result;
  for (const char c : text) {
    const auto found = std::ranges::find(replacements, c, &std::pair<char, std::string_view>::first);
    result += found == replacements.end() ? std::string_view(&c, 1) : found->second;
  }
  return result;
}

std::string one_line(std::string_view text) { return replaced(text, {{'\n', "\\n"}}); }

std::string spell_settings(std::string_view message, SettingSpelling spelling) {
  constexpr std::string_view kOpen = "‹", kClose = "›", kLetters = "abcdefghijklmnopqrstuvwxyz0123456789_";
  std::string spelled;
  for (size_t open = message.find(kOpen); open != std::string_view::npos; open = message.find(kOpen)) {
    const std::string_view rest = message.substr(open + kOpen.size());
    const std::string_view name = rest.substr(0, rest.find_first_not_of(kLetters));
    spelled += message.substr(0, open);
    if (name.empty() || !rest.substr(name.size()).starts_with(kClose)) {  // a quotation from elsewhere
      spelled += kOpen;
      message = rest;
      continue;
    }
    std::string setting(name);
    if (spelling == SettingSpelling::kCommandLine) {
      std::replace(setting.begin(), setting.end(), '_', '-');
      setting = "--" + setting;
    }
    spelled += setting;
    message = rest.substr(name.size() + kClose.size());
  }
  return spelled += message;
}

std::string format_number(double value) {
  char digits[32];
  const bool whole = std::abs(value) < 1e15 && value == std::floor(value);
  const auto end = whole ? std::to_chars(digits, std::end(digits), static_cast<int64_t>(value)).ptr
                         : std::to_chars(digits, std::end(digits), value).ptr;
  return {digits, end};
}

}  // namespace hre
