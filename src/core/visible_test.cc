#include "core/visible.h"

#include <gtest/gtest.h>

namespace hre {
namespace {

TEST(VisibleTest, OrdinaryTextStaysAsItIs) {
  for (const char* text : {"", "a name", "naïve café 東京 \U0001F600", "na\u00EFve \u00A0", "± – ‹name›"}) {
    EXPECT_EQ(visible_text(text), text);
    EXPECT_EQ(visible_line(text), text);
  }
}

TEST(VisibleTest, WhatATerminalWouldObeyIsShown) {
  EXPECT_EQ(visible_line("\x1b[31mred\x1b[0m"), "␛[31mred␛[0m");
  EXPECT_EQ(visible_line("a\r\x1b[Kb\x07\x7f"), "a␍␛[Kb␇␡");
  EXPECT_EQ(visible_line("\u009B2J\u0085"), "<U+009B>2J<U+0085>");
  EXPECT_EQ(visible_line(std::string_view("\0", 1)), "␀");
}

TEST(VisibleTest, WhatTurnsOrHidesTextIsShown) {
  EXPECT_EQ(visible_line("\u202Egnp.exe\u202C"), "<U+202E>gnp.exe<U+202C>");
  EXPECT_EQ(visible_line("\u2066a\u2069 \u200Bb\u061C\u2028\uFEFF"),
            "<U+2066>a<U+2069> <U+200B>b<U+061C><U+2028><U+FEFF>");
}

TEST(VisibleTest, LineEndsStayInTextsAndAreShownInLines) {
  EXPECT_EQ(visible_text("a\r\nb\n\tc\rd"), "a\nb\n    c␍d");
  EXPECT_EQ(visible_line("a\r\nb\nc"), "a␊b␊c");
}

TEST(VisibleTest, BrokenUtf8PassesThrough) {
  EXPECT_EQ(visible_line("a\xE2"), "a\xE2");
  EXPECT_EQ(visible_line("\x80\x80 b"), "\x80\x80 b");
  EXPECT_EQ(visible_line("\xC2"), "\xC2");
}

}  // namespace
}  // namespace hre
