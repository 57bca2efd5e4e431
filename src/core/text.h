#pragma once
/// Text as Unicode, and small helpers on names: everything works on UTF-8 bytes.

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace hre {

/// The offset of the first byte that is not part of valid UTF-8 (overlong forms and surrogates are not); nothing if all
/// is.
std::optional<size_t> find_invalid_utf8(std::string_view text);

/// The number of Unicode code points in valid UTF-8.
int64_t count_code_points(std::string_view text);

/// The first n code points (all of the text if it has fewer). Shares the text's memory.
std::string_view first_code_points(std::string_view text, int64_t n);

/// Terminal columns of valid UTF-8: wide East Asian characters count two, combining marks none.
int display_width(std::string_view text);

/// Shell-style match of a whole name: * any run, ? any one character, [a-z] a set.
bool matches_glob(std::string_view pattern, std::string_view name);

/// Damerau-Levenshtein distance in bytes (adjacent swaps count one).
int edit_distance(std::string_view a, std::string_view b);

/// The name nearest to what was typed, if it is near enough to be a slip of the finger.
std::optional<std::string> nearest_name(std::string_view typed, const std::vector<std::string>& names);

/// "a, b, c"
std::string join(const std::vector<std::string>& parts, std::string_view separator = ", ");

/// A whole decimal number ("12", "-3", "+4.5e2"); nothing for anything else, infinities and NaN included.
std::optional<double> parse_finite_number(std::string_view text);

/// A number as people write it: whole numbers without a point, others in the shortest form that reads back equal.
std::string format_number(double value);

}  // namespace hre
