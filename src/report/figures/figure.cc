#include "report/figures/figure.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "core/text.h"

namespace hre {
namespace {

constexpr const char* kColours[] = {"#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#555555"};

constexpr const char* kStyle = R"(set encoding utf8
set datafile separator "\t"
set datafile columnheaders
set datafile commentschars ""
set border 3 linewidth 0.6 linecolor rgb '#444444'
set tics nomirror out scale 0.4 textcolor rgb '#222222'
set grid ytics linewidth 0.4 linecolor rgb '#dddddd'
set key top left Left reverse samplen 1.2 spacing 1.1
set bars 0.5
set pointsize 0.55
)";

/// The longest beginning of valid UTF-8 that fits so many columns.
std::string_view fitting(std::string_view text, int columns) {
  size_t end = 0;
  for (int64_t n = 1; end < text.size(); ++n) {
    const std::string_view longer = first_code_points(text, n);
    if (display_width(longer) > columns) break;
    end = longer.size();
  }
  return text.substr(0, end);
}

}  // namespace

std::string FigureTable::tsv() const {
  std::string text = join(columns, "\t") + "\n";
  for (const auto& row : rows) {
    std::vector<std::string> cells;
    for (const std::string& value : row) cells.push_back(flat(value));
    text += join(cells, "\t") + "\n";
  }
  return text;
}

std::string figure_script(const Figure& figure) {
  // At a fontscale of 0.75 gnuplot's cairo terminals draw fonts at their nominal size.
  return fmt::format(
      "set terminal pdfcairo size {}in,{}in font 'DejaVu Sans,7' fontscale 0.75 noenhanced linewidth 1\n"
      "set output '{}.pdf'\ndata = '{}.tsv'\n{}{}",
      figure.width, figure.height, figure.name, figure.name, kStyle, figure.script);
}

std::string colour(size_t i) { return kColours[i % std::size(kColours)]; }

std::string gnuplot_string(std::string_view text) {
  // Between double quotes: between single ones, gnuplot takes two quotes at the beginning for an empty text. It
  // substitutes what stands between backquotes there too, so they go in by their number; and it reads a number as long
  // as digits go on, so a digit after one goes in by its own.
  std::string result = "\"";
  bool numbered = false;
  for (const char c : flat(text)) {
    numbered = c == '`' || (numbered && c >= '0' && c <= '7');
    if (c == '"' || c == '\\') result += '\\';
    result += numbered ? fmt::format("\\{:03o}", static_cast<int>(c)) : std::string(1, c);
  }
  return result + "\"";
}

std::string tics(const std::vector<std::string>& names) {
  std::vector<std::string> parts;
  for (size_t i = 0; i < names.size(); ++i) {
    std::string name;
    for (const char c : names[i]) name += c == '%' ? "%%" : std::string(1, c);  // a tic's name is a number's format
    parts.push_back(fmt::format("{} {}", gnuplot_string(name), i));
  }
  return "(" + join(parts) + ")";
}

double round_step(double width, double most) {
  const double least = std::max(1e-9, width / most);
  const double decade = std::pow(10, std::floor(std::log10(least)));
  for (const double digit : {1.0, 2.0, 5.0}) {
    if (digit * decade >= least) return digit * decade;
  }
  return 10 * decade;
}

std::string shortened(std::string_view text, int columns) {
  const std::string line = flat(text);
  if (display_width(line) <= columns) return line;
  return std::string(fitting(line, columns - 1)) + "…";
}

std::vector<std::string> wrapped(std::string_view text, int columns, size_t n_lines) {
  const std::string line = flat(text);
  std::string_view rest = line;
  std::vector<std::string> lines;
  while (!rest.empty() && lines.size() < n_lines) {
    while (rest.starts_with(' ')) rest.remove_prefix(1);
    std::string_view part = fitting(rest, columns);
    if (part.size() < rest.size() && rest[part.size()] != ' ') {
      const size_t space = part.rfind(' ');
      if (space != std::string_view::npos && space > 0) part = part.substr(0, space);
    }
    while (part.ends_with(' ')) part.remove_suffix(1);
    if (part.empty()) break;
    lines.emplace_back(part);
    rest.remove_prefix(part.size());
  }
  const bool cut = rest.find_first_not_of(' ') != std::string_view::npos;
  if (cut && !lines.empty()) lines.back() = std::string(fitting(lines.back(), columns - 1)) + "…";
  return lines;
}

std::string cell(double value) { return std::isfinite(value) ? fmt::format("{:.6g}", value) : ""; }
std::string cell(const std::optional<double>& value) { return value ? cell(*value) : ""; }

}  // namespace hre
