#include "core/text.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

namespace hre {
namespace {

TEST(Utf8, FindsTheFirstInvalidByte) {
  EXPECT_EQ(find_invalid_utf8("plain, süß, 日本語, \U0001F600, \U0010FFFF"), std::nullopt);
  EXPECT_EQ(find_invalid_utf8(std::string_view("a\0b", 3)), std::nullopt);
  EXPECT_EQ(find_invalid_utf8("ab\xFF"), 2u);
  EXPECT_EQ(find_invalid_utf8("a\xC0\x80"), 1u) << "overlong NUL";
  EXPECT_EQ(find_invalid_utf8("\xE0\x80\x80"), 0u) << "overlong";
  EXPECT_EQ(find_invalid_utf8("\xED\xA0\x80"), 0u) << "a surrogate";
  EXPECT_EQ(find_invalid_utf8("\xF4\x90\x80\x80"), 0u) << "past U+10FFFF";
  EXPECT_EQ(find_invalid_utf8("ok \xE2\x82"), 3u) << "cut short";
}

TEST(Utf8, CountsAndCutsCodePoints) {
  EXPECT_EQ(count_code_points(""), 0);
  EXPECT_EQ(count_code_points("süß\U0001F600"), 4);
  EXPECT_EQ(count_code_points("e\u0301"), 2) << "a combining mark is a code point";
  EXPECT_EQ(first_code_points("süß!", 3), "süß");
  EXPECT_EQ(first_code_points("süß", 0), "");
  EXPECT_EQ(first_code_points("süß", 9), "süß");
}

TEST(Utf8, Widths) {
  EXPECT_EQ(display_width("abc"), 3);
  EXPECT_EQ(display_width("日本"), 4);
  EXPECT_EQ(display_width("e\u0301"), 1);
}

TEST(Glob, MatchesWholeNames) {
  EXPECT_TRUE(matches_glob("python", "python"));
  EXPECT_FALSE(matches_glob("python", "python3"));
  EXPECT_TRUE(matches_glob("*", ""));
  EXPECT_TRUE(matches_glob("*a*b", "xxaybzb"));
  EXPECT_TRUE(matches_glob("c?p", "cpp"));
  EXPECT_TRUE(matches_glob("[a-c]pp", "cpp"));
  EXPECT_FALSE(matches_glob("[!a-c]pp", "cpp"));
  EXPECT_TRUE(matches_glob("[x", "[x"));
  EXPECT_FALSE(matches_glob("", "a"));
  EXPECT_FALSE(matches_glob("a*b*c*d*e*f*g*", std::string(200, 'a'))) << "and ends soon";
}

TEST(Nearest, OffersSlipsOnly) {
  EXPECT_EQ(edit_distance("eval", "eavl"), 1);
  EXPECT_EQ(nearest_name("evla", {"demo", "eval", "data"}), "eval");
  EXPECT_EQ(nearest_name("latexx", {"math", "latex"}), "latex");
  EXPECT_EQ(nearest_name("completely", {"demo", "eval"}), std::nullopt);
}

TEST(Settings, AreSpelledAsTheyAreGiven) {
  const std::string message = "leave out ‹max_length› or give ‹kv_type› f16";
  EXPECT_EQ(spell_settings(message, SettingSpelling::kCommandLine), "leave out --max-length or give --kv-type f16");
  EXPECT_EQ(spell_settings(message, SettingSpelling::kPython), "leave out max_length or give kv_type f16");
  for (const char* other : {"", "‹", "‹›", "‹Grüezi›", "a ‹b c› d", "‹max_length"}) {
    EXPECT_EQ(spell_settings(other, SettingSpelling::kCommandLine), other);
  }
  EXPECT_EQ(spell_settings("‹‹bos››", SettingSpelling::kCommandLine), "‹--bos›");
}

TEST(Words, CountsAndSizes) {
  EXPECT_EQ(counted(1, "question"), "1 question");
  EXPECT_EQ(counted(0, "run"), "0 runs");
  EXPECT_EQ(size_text(1.1e9), "1.1 B");
  EXPECT_EQ(size_text(134515008), "135 M");
  EXPECT_EQ(size_text(656000, 2, ""), "6.6e+02K");
  EXPECT_EQ(size_text(12), "12");
}

TEST(Words, OneLineWithoutControls) {
  EXPECT_EQ(one_line("a\nb\n"), "a\\nb\\n");
  EXPECT_EQ(flat("a\tb\x1b[m\x7f"), "a b [m ");
  EXPECT_EQ(bytes_of_hex("00ff41"), std::string("\0\xff"
                                                "A",
                                                3));
}

TEST(Numbers, ParseWholeStringsOnly) {
  EXPECT_EQ(parse_finite_number("12"), 12);
  EXPECT_EQ(parse_finite_number("+3"), 3);
  EXPECT_EQ(parse_finite_number("-4.5e1"), -45);
  for (const char* bad : {"", "+", "++1", "+-1", "1x", " 1", "nan", "inf", "-infinity", "1e999", "0x10"}) {
    EXPECT_EQ(parse_finite_number(bad), std::nullopt) << bad;
  }
}

TEST(Numbers, FormatReadsBack) {
  EXPECT_EQ(format_number(12), "12");
  EXPECT_EQ(format_number(-3), "-3");
  EXPECT_EQ(format_number(0.1), "0.1");
  for (const double value : {1e300, 1.0 / 3, -2.5e-9, 123456789012345678.0}) {
    EXPECT_EQ(parse_finite_number(format_number(value)), value);
  }
}

}  // namespace
}  // namespace hre
