#include "report/figures/figure.h"

#include <gmock/gmock.h>

#include <cmath>
#include <random>

#include "core/text.h"
#include "report/figures/scatter.h"

namespace hre {
namespace {

using testing::ElementsAre;

TEST(Figure, TextsCannotLeaveTheirQuotes) {
  EXPECT_EQ(gnuplot_string("it's 1.4B \\ \"x\" é"), "\"it's 1.4B \\\\ \\\"x\\\" é\"");
  EXPECT_EQ(gnuplot_string("`12 8`"), "\"\\140\\061\\062 8\\140\"");
  EXPECT_EQ(gnuplot_string("a\nb\tc\x1b"), "\"a b c \"");
  EXPECT_EQ(tics({"50%", "b"}), "(\"50%%\" 0, \"b\" 1)");
}

TEST(Figure, TablesKeepTheirColumns) {
  const FigureTable table{{"a", "b"}, {{"x\ty", "1\n2"}, {"", "3"}}};
  EXPECT_EQ(table.tsv(), "a\tb\nx y\t1 2\n\t3\n");
}

TEST(Figure, StepsAreRoundAndFewEnough) {
  EXPECT_DOUBLE_EQ(round_step(0.466, 6), 0.1);
  EXPECT_DOUBLE_EQ(round_step(1247, 5), 500);
  for (double width = 0.003; width < 5000; width *= 1.37) {
    EXPECT_LE(width / round_step(width, 6), 6 + 1e-9) << width;
    EXPECT_GE(width / round_step(width, 6), 6 / 2.5 - 1e-9) << width;
  }
}

TEST(Figure, ShortensByColumns) {
  EXPECT_EQ(shortened("abcdef", 6), "abcdef");
  EXPECT_EQ(shortened("abcdefg", 6), "abcde…");
  EXPECT_EQ(shortened("漢字漢字", 5), "漢字…");
}

TEST(Figure, WrapsAtSpaces) {
  EXPECT_THAT(wrapped("one two  three four", 8, 9), ElementsAre("one two", "three", "four"));
  EXPECT_THAT(wrapped("one two three four", 8, 2), ElementsAre("one two", "three…"));
  EXPECT_THAT(wrapped("abcdefghij", 4, 9), ElementsAre("abcd", "efgh", "ij"));
  EXPECT_TRUE(wrapped("", 4, 9).empty());
}

TEST(Figure, WrappedLinesFit) {
  const unsigned seed = 3;
  SCOPED_TRACE(seed);
  std::mt19937 random(seed);
  for (int round = 0; round < 300; ++round) {
    std::string text;
    for (int i = 0; i < 60; ++i) text += random() % 5 == 0 ? " " : random() % 9 == 0 ? "漢" : "x";
    const int columns = 3 + static_cast<int>(random() % 20);
    for (const std::string& line : wrapped(text, columns, 4)) EXPECT_LE(display_width(line), columns);
  }
}

TEST(Scatter, LabelsDoNotOverlap) {
  std::vector<PlacedPoint> points;
  std::vector<double> widths;
  for (int i = 0; i < 8; ++i) {
    points.push_back({1 + 0.15 * i, 1 + 0.02 * i, 0.9, 1.1});  // a crowd
    widths.push_back(0.6);
  }
  const auto places = place_labels(points, widths, 0.1, 3, 2);
  const auto left = [&](size_t i) { return places[i].to_left ? places[i].x - widths[i] : places[i].x; };
  for (size_t i = 0; i < places.size(); ++i) {
    EXPECT_GE(left(i), 0);
    EXPECT_LE(left(i) + widths[i], 3);
    for (size_t j = 0; j < i; ++j) {
      const bool apart = left(i) + widths[i] <= left(j) || left(j) + widths[j] <= left(i) ||
                         std::abs(places[i].y - places[j].y) >= 0.1 - 1e-9;
      EXPECT_TRUE(apart) << i << " and " << j;
    }
  }
}

}  // namespace
}  // namespace hre
