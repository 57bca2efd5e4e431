#include "report/text_table.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <sstream>

#include "core/text.h"

namespace hre {
namespace {

using testing::HasSubstr;
using testing::Not;

int width_of(const std::string& text) {
  std::istringstream lines(text);
  int widest = 0;
  for (std::string line; std::getline(lines, line);) widest = std::max(widest, display_width(line));
  return widest;
}

TextTable two_columns() {
  TextTable table({"run", "smallest difference, assumed", "id", "value"});
  table.add_row({"a-name", "0.12", "35fdceb7", "0.395 ± 0.086"});
  table.add_rule();
  table.add_row({"b", "–", "", "0.1"});
  table.can_spare({"id"});
  return table;
}

TEST(TextTable, AsWideAsItsCellsWhereThereIsRoom) {
  EXPECT_EQ(two_columns().render(0),
            "run     smallest difference, assumed        id          value\n"
            "─────────────────────────────────────────────────────────────\n"
            "a-name                          0.12  35fdceb7  0.395 ± 0.086\n"
            "─────────────────────────────────────────────────────────────\n"
            "b                                  –                      0.1\n");
  EXPECT_EQ(two_columns().render(61), two_columns().render(0));
}

TEST(TextTable, TitlesAreBrokenFirst) {
  EXPECT_EQ(two_columns().render(53),
            "                   smallest\n"
            "run     difference, assumed        id          value\n"
            "────────────────────────────────────────────────────\n"
            "a-name                 0.12  35fdceb7  0.395 ± 0.086\n"
            "────────────────────────────────────────────────────\n"
            "b                         –                      0.1\n");
  EXPECT_EQ(width_of(two_columns().render(44)), 44) << "a word a line";
}

TEST(TextTable, ThenColumnsAreLeftOutAndNamed) {
  const std::string text = two_columns().render(40);
  EXPECT_LE(width_of(text), 40);
  EXPECT_THAT(text, Not(HasSubstr("35fdceb7")));
  EXPECT_THAT(text, testing::EndsWith("A wider terminal also shows: id\n"));
}

TEST(TextTable, ThenNamesStandAboveTheirRows) {
  TextTable table({"model", "value", "questions"});
  table.add_row({"a-name-of-thirty-letters-or-so", "0.395 ± 0.086", "112"});
  EXPECT_EQ(table.render(30),
            "model\n"
            "          value  questions\n"
            "──────────────────────────\n"
            "a-name-of-thirty-letters-or-so\n"
            "  0.395 ± 0.086        112\n");
}

TEST(TextTable, AtLastCellsStandUnderEachOther) {
  TextTable table({"model", "value", "beyond length", "n"});
  table.add_row({"a-name", "0.395 ± 0.086", "0.244 ± 0.081", "112"});
  table.add_row({"b", "", "–", "7"});
  EXPECT_EQ(table.render(32),
            "a-name\n"
            "  value          0.395 ± 0.086\n"
            "  beyond length  0.244 ± 0.081\n"
            "  n              112\n"
            "b\n"
            "  beyond length  –\n"
            "  n              7\n");
}

/// However long the cells are, no line is wider than the terminal, and no cell is lost unless its column is named.
TEST(TextTable, NoLineIsWiderAndNoCellIsLost) {
  const unsigned seed = std::random_device()();
  SCOPED_TRACE(testing::Message() << "seed " << seed);
  std::mt19937 random(seed);
  for (int turn = 0; turn < 300; ++turn) {
    const size_t n_columns = 2 + random() % 8;
    const auto word = [&](size_t most) {
      return std::string(1 + random() % most, static_cast<char>('a' + random() % 26));
    };
    std::vector<std::string> header;
    for (size_t i = 0; i < n_columns; ++i) header.push_back(word(12) + " " + word(12));
    TextTable table(header);
    std::vector<std::string> cells;
    for (int row = 0; row < 3; ++row) {
      std::vector<std::string> line;
      for (size_t i = 0; i < n_columns; ++i) line.push_back(word(18));
      cells.insert(cells.end(), line.begin(), line.end());
      table.add_row(line);
    }
    for (const int width : {60, 80, 120}) {
      const std::string text = table.render(width);
      EXPECT_LE(width_of(text), width) << text;
      for (const std::string& cell : cells) EXPECT_THAT(text, HasSubstr(cell));
    }
  }
}

TEST(Wrapped, BreaksAtSpaces) {
  EXPECT_EQ(wrapped("one two three\nfour", 8), "one two\nthree\nfour");
  EXPECT_EQ(wrapped("  one two three\n", 10), "  one two\n  three\n");
  EXPECT_EQ(wrapped("one two three", 0), "one two three");
  EXPECT_EQ(wrapped("", 8), "");
}

TEST(Wrapped, GoesOnUnderTheLastColumn) {
  EXPECT_EQ(wrapped("  --name N   what it is for\n", 26), "  --name N   what it is\n             for\n");
  EXPECT_EQ(wrapped("a very long name indeed   what it is for\n", 24), "a very long name indeed\nwhat it is for\n")
      << "half of the width is the most that an indent takes";
}

TEST(Wrapped, NeverBreaksAWord) {
  EXPECT_EQ(wrapped("see /a/path/that/is/long for more", 10), "see\n/a/path/that/is/long\nfor more");
  EXPECT_EQ(wrapped("/a/path/that/is/long", 10), "/a/path/that/is/long");
}

}  // namespace
}  // namespace hre
