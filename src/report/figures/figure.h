#pragma once
/// The folder src/report/figures: figures for papers, drawn by gnuplot: what each is made of, and the one style that
/// all share.
///
/// Not here: charts of the page, which its script draws, and numbers that no table has.
/// Types:    `Figure` is a table with a script; `Figures` also says which could not be made; `ScatterPoint` is a named
///           point with an interval.
/// Owners:   a figure owns its text; files are written by draw.h.
/// Threads:  functions of their arguments; `draw_figure` may run for several figures at once.
/// To add:   a figure: a function in run_figures.h or study_figures.h, and its row in docs/gallery.md.

/// Figures: what each is made of, and the one style that all share. Drawn by gnuplot (draw.h).

#include <optional>
#include <string>
#include <vector>

namespace hre {

/// Widths for a two-column paper, in inches.
constexpr double kColumn = 3.35;
constexpr double kPage = 6.9;

/// The table behind a figure. Undefined values are empty cells.
struct FigureTable {
  std::vector<std::string> columns;
  std::vector<std::vector<std::string>> rows;

  [[nodiscard]] std::string tsv() const;
};

struct Figure {
  std::string name;     ///< "votes": as its files are called
  std::string caption;  ///< one sentence or two
  double width = kColumn;
  double height = 2.4;  ///< inches
  FigureTable table;    ///< the plot command's 'data' is a file of it
  std::string script;   ///< gnuplot, after the style
};

/// Figures that could be made, and for each other one why not.
struct Figures {
  std::vector<Figure> figures;
  std::vector<std::string> missing;  ///< "ChatArena: no judgement is given"
};

/// The whole script of a figure: terminal, style, its own part.
std::string figure_script(const Figure& figure);

/// Okabe and Ito's colours, told apart by all kinds of eyes: "#0072B2", ...
std::string colour(size_t i);

/// A text as a gnuplot string on which nothing is substituted.
std::string gnuplot_string(std::string_view text);

/// "('a' 0, 'b' 1)": tics with these names at 0, 1, ...
std::string tics(const std::vector<std::string>& names);

/// The smallest of ..., 0.1, 0.2, 0.5, 1, 2, 5, ... that goes at most so often into a width.
double round_step(double width, double most);

/// Cut to so many columns, with an ellipsis where something was cut off.
std::string shortened(std::string_view text, int columns);

/// Lines of so many columns, broken at spaces where there are any; at most n_lines, then an ellipsis.
std::vector<std::string> wrapped(std::string_view text, int columns, size_t n_lines);

/// Cells: six significant digits, empty for undefined.
std::string cell(double value);
std::string cell(const std::optional<double>& value);

}  // namespace hre
