#pragma once
/// The folder src/core: what every folder needs and none owns: text as Unicode, dates, hashes, files, processes, TOML.
///
/// Not here: anything that knows of questions, models or runs. A helper with one caller belongs beside its caller.
/// Types:    `Result` and `Error` (hre/result.h) are what every function that can fail returns; `AtomicFile`,
///           `FileLock` and `ContentHash` are the ones met most often; `Named` is a choice with its name in files and
///           options.
/// Owners:   a value owns what it holds; nothing is shared or kept between calls, but for the remembered hashes in
///           `cache_folder`.
/// Threads:  functions may be called from any thread; an object belongs to one thread at a time.
/// To add:   a header of its own with its test beside it, once two folders need the same.

/// Text as Unicode, and small helpers for names. All functions work on UTF-8 bytes.

#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace hre {

/// The offset of the first byte that is not part of valid UTF-8 (overlong forms and surrogates are invalid); nothing if
/// all bytes are valid.
std::optional<size_t> find_invalid_utf8(std::string_view text);

/// Whether a byte of UTF-8 continues a character.
constexpr bool continues_character(char c) { return (static_cast<unsigned char>(c) & 0xC0) == 0x80; }

/// The bytes of a character of UTF-8 by its first one, 1 to 4; 0 where no character begins so.
constexpr size_t length_by_first(char c) {
  const auto first = static_cast<unsigned char>(c);
  if (first < 0x80) return 1;
  if (first < 0xC2 || first > 0xF4) return 0;
  return size_t{2} + (first >= 0xE0) + (first >= 0xF0);
}

/// The end, in bytes, of the character that begins at `at`.
constexpr size_t character_end(std::string_view text, size_t at) {
  for (++at; at < text.size() && continues_character(text[at]);) ++at;
  return at;
}

/// The number of Unicode code points in valid UTF-8.
int64_t count_code_points(std::string_view text);

/// The first n code points (the whole text if it has fewer). Shares the text's memory.
std::string_view first_code_points(std::string_view text, int64_t n);

/// The width of valid UTF-8 in terminal columns: wide East Asian characters take two, combining marks none.
int display_width(std::string_view text);

/// Shell-style match of a whole name: * any run, ? any one character, [a-z] a set.
bool matches_glob(std::string_view pattern, std::string_view name);

/// Damerau-Levenshtein distance in bytes (adjacent swaps count one).
int edit_distance(std::string_view a, std::string_view b);

/// The name closest to the given one, if it is close enough to be a typing error.
std::optional<std::string> nearest_name(std::string_view typed, const std::vector<std::string>& names);

/// "a, b, c"
std::string join(const std::vector<std::string>& parts, std::string_view separator = ", ");

/// "1 question", "2 questions"
std::string counted(int64_t n, std::string_view noun);

/// A model's size: "1.1 B", "135 M", "656 K", "12".
std::string size_text(double parameters, int digits = 3, std::string_view before_unit = " ");

/// A to Z in lower case, other bytes as they are.
std::string lower(std::string text);

/// The text with each character that stands before a replacement replaced: {{'<', "&lt;"}, ...}.
std::string replaced(std::string_view text, std::initializer_list<std::pair<char, std::string_view>> replacements);

/// The same text in one line: line ends are written as \n.
std::string one_line(std::string_view text);

/// One line without control characters: each is a space.
std::string flat(std::string_view text);

/// The bytes that pairs of hexadecimal digits stand for.
std::string bytes_of_hex(std::string_view digits);

/// What HTML takes for space.
constexpr bool is_space(char c) { return c == ' ' || c == '\n' || c == '\t' || c == '\r' || c == '\f'; }

/// Messages of the library name a setting as ‹max_length›, since it doesn't know how settings are given. A front end
/// shows its own spelling: --max-length on a command line, max_length in Python.
enum class SettingSpelling { kCommandLine, kPython };
std::string spell_settings(std::string_view message, SettingSpelling spelling);

/// Parses a decimal number ("12", "-3", "+4.5e2"); nothing for any other text, including infinities and NaN.
std::optional<double> parse_finite_number(std::string_view text);

/// A number as people write it: whole numbers without a point, others in the shortest form that reads back as the same
/// value.
std::string format_number(double value);

}  // namespace hre
