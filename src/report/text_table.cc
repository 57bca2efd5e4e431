#include "report/text_table.h"

#include <algorithm>
#include <numeric>
#include <optional>

#include "core/text.h"
#include "core/visible.h"

namespace hre {
namespace {

using Rows = std::vector<std::vector<std::string>>;

constexpr int kGap = 2;  // spaces between columns

std::string repeated(std::string_view text, int times) {
  std::string result;
  for (int i = 0; i < times; ++i) result += text;
  return result;
}

/// Words of a title in lines of at most `width`, as far as words allow.
std::vector<std::string> title_lines(std::string_view title, int width) {
  std::vector<std::string> lines = {""};
  while (!title.empty()) {
    const size_t space = std::min(title.find(' '), title.size());
    const std::string word(title.substr(0, space));
    title.remove_prefix(std::min(space + 1, title.size()));
    std::string longer = lines.back().empty() ? word : lines.back() + " " + word;
    if (!lines.back().empty() && display_width(longer) > width) {
      lines.push_back(word);
    } else {
      lines.back() = std::move(longer);
    }
  }
  return lines;
}

int total_width(const std::vector<int>& widths) {
  return std::accumulate(widths.begin(), widths.end(), 0) + kGap * (static_cast<int>(widths.size()) - 1);
}

/// Each column's width, with titles of as few lines as `width` allows; nothing where even the narrowest is too wide.
std::optional<std::vector<int>> fitting_widths(const Rows& rows, int width) {
  const auto& titles = rows.front();
  std::vector<int> widths(titles.size()), whole(titles.size());
  for (size_t i = 0; i < titles.size(); ++i) {
    whole[i] = display_width(titles[i]);
    for (const std::string& word : title_lines(titles[i], 0)) widths[i] = std::max(widths[i], display_width(word));
    for (size_t r = 1; r < rows.size(); ++r) widths[i] = std::max(widths[i], display_width(rows[r][i]));
  }
  const auto widen = [&](size_t i) { widths[i] = std::max(widths[i], whole[i]); };
  if (width <= 0) {
    for (size_t i = 0; i < titles.size(); ++i) widen(i);
    return widths;
  }
  if (total_width(widths) > width) return std::nullopt;
  const std::vector<int> narrowest = widths;
  for (int spare = width - total_width(widths); spare > 0; --spare) {
    size_t tallest = 0, most_lines = 1;
    for (size_t i = 0; i < titles.size(); ++i) {
      const size_t lines = title_lines(titles[i], widths[i]).size();
      if (lines <= most_lines) continue;
      tallest = i;
      most_lines = lines;
    }
    if (most_lines == 1) break;
    ++widths[tallest];
  }
  for (size_t i = 0; i < titles.size(); ++i) {  // what room gains no line is given back
    const size_t lines = title_lines(titles[i], widths[i]).size();
    while (widths[i] > narrowest[i] && title_lines(titles[i], widths[i] - 1).size() == lines) --widths[i];
  }
  return widths;
}

std::string aligned(const std::string& text, int width, bool left) {
  const std::string padding(static_cast<size_t>(std::max(0, width - display_width(text))), ' ');
  return left ? text + padding : padding + text;
}

/// Cells of one line, without spaces at its end.
std::string line_of(const std::vector<std::string>& cells, const std::vector<int>& widths, bool first_is_left) {
  std::string line;
  for (size_t i = 0; i < cells.size(); ++i) {
    line += (i == 0 ? "" : std::string(kGap, ' ')) + aligned(cells[i], widths[i], i == 0 && first_is_left);
  }
  return line.substr(0, line.find_last_not_of(' ') + 1) + '\n';
}

/// The titles, broken into lines; the last lines stand beside each other.
std::string header_of(const std::vector<std::string>& titles, const std::vector<int>& widths, bool first_is_left) {
  std::vector<std::vector<std::string>> columns;
  size_t height = 1;
  for (size_t i = 0; i < titles.size(); ++i) {
    columns.push_back(title_lines(titles[i], widths[i]));
    height = std::max(height, columns.back().size());
  }
  std::string text;
  for (size_t line = 0; line < height; ++line) {
    std::vector<std::string> cells;
    for (const auto& lines : columns) {
      const size_t above = height - lines.size();
      cells.push_back(line < above ? "" : lines[line - above]);
    }
    text += line_of(cells, widths, first_is_left);
  }
  return text;
}

bool is_ruled(const std::vector<size_t>& rules, size_t row) { return std::ranges::find(rules, row) != rules.end(); }

/// A line per row; nothing where that is too wide.
std::optional<std::string> in_rows(const Rows& rows, const std::vector<size_t>& rules, int width) {
  const auto widths = fitting_widths(rows, width);
  if (!widths) return std::nullopt;
  std::string text = header_of(rows.front(), *widths, true);
  for (size_t r = 1; r < rows.size(); ++r) {
    if (is_ruled(rules, r)) text += repeated("─", total_width(*widths)) + '\n';
    text += line_of(rows[r], *widths, true);
  }
  return text;
}

/// Each row's name on a line of its own, above its cells; nothing where that is too wide.
std::optional<std::string> under_names(Rows rows, const std::vector<size_t>& rules, int width) {
  constexpr int kCellIndent = 2;
  if (rows.front().size() < 3) return std::nullopt;
  std::vector<std::string> names;
  for (auto& row : rows) {
    names.push_back(row.front());
    row.erase(row.begin());
  }
  const auto widths = fitting_widths(rows, width - kCellIndent);
  if (!widths) return std::nullopt;
  const auto indented = [](const std::string& lines) {
    std::string text;
    for (size_t at = 0; at < lines.size();) {
      const size_t end = lines.find('\n', at) + 1;
      const bool is_empty = end == at + 1;
      if (!is_empty) text += std::string(kCellIndent, ' ') + lines.substr(at, end - at);
      at = end;
    }
    return text;
  };
  std::string text = names.front().empty() ? "" : names.front() + '\n';
  text += indented(header_of(rows.front(), *widths, false));
  for (size_t r = 1; r < rows.size(); ++r) {
    if (is_ruled(rules, r)) text += repeated("─", total_width(*widths) + kCellIndent) + '\n';
    text += names[r] + '\n' + indented(line_of(rows[r], *widths, false));
  }
  return text;
}

/// Where a line that is too wide may be broken, and where it goes on: at its last column, or at its own beginning.
struct Hanging {
  size_t from = 0;     // bytes
  size_t columns = 0;  // spaces in front of what follows
};

Hanging hanging_of(std::string_view line, int width) {
  const size_t begin = std::min(line.find_first_not_of(' '), line.size());
  Hanging hanging = {begin, begin};
  for (size_t at = line.find("  ", begin); at != std::string_view::npos; at = line.find("  ", at)) {
    at = line.find_first_not_of(' ', at);
    if (at == std::string_view::npos) break;
    const int column = display_width(line.substr(0, at));
    if (column > width / 2) break;
    hanging = {at, static_cast<size_t>(column)};
  }
  return hanging;
}

/// The last space from `from` on before which the line fits; the first one where none does.
size_t place_to_break(std::string_view line, size_t from, int width) {
  size_t place = std::string_view::npos;
  for (size_t at = line.find(' ', from); at != std::string_view::npos; at = line.find(' ', at + 1)) {
    if (place != std::string_view::npos && display_width(line.substr(0, at)) > width) break;
    place = at;
  }
  return place;
}

std::string broken(std::string line, int width) {
  Hanging hanging = hanging_of(line, width);
  std::string result;
  while (display_width(line) > width) {
    const size_t place = place_to_break(line, hanging.from, width);
    const size_t next = line.find_first_not_of(' ', place);
    if (place == std::string::npos) break;
    result += line.substr(0, line.find_last_not_of(' ', place) + 1);
    if (next == std::string::npos) return result;  // nothing but spaces is too much
    result += '\n';
    line = std::string(hanging.columns, ' ') + line.substr(next);
    hanging.from = hanging.columns;
  }
  return result + line;
}

}  // namespace

std::string letter_of(size_t position) {
  std::string letters(1, static_cast<char>('A' + position % 26));
  return position < 26 ? letters : letter_of(position / 26 - 1) + letters;
}

std::string wrapped(std::string_view text, int width) {
  if (width <= 0) return std::string(text);
  std::string result;
  for (size_t begin = 0; begin < text.size();) {
    const size_t end = std::min(text.find('\n', begin), text.size());
    result += broken(std::string(text.substr(begin, end - begin)), width);
    if (end < text.size()) result += '\n';
    begin = end + 1;
  }
  return result;
}

void TextTable::add_row(std::vector<std::string> cells) {
  for (std::string& cell : cells) cell = visible_line(cell);
  rows_.push_back(std::move(cells));
}

std::string TextTable::render(int width) const {
  if (auto text = in_rows(rows_, rules_, width)) return *text;
  Rows rows = rows_;
  std::vector<std::string> left_out;
  for (const std::string& title : spare_) {
    const auto column = std::ranges::find(rows.front(), title) - rows.front().begin();
    if (column == static_cast<std::ptrdiff_t>(rows.front().size())) continue;
    left_out.push_back(title);
    for (auto& row : rows) row.erase(row.begin() + column);
    auto text = in_rows(rows, rules_, width);
    if (!text) continue;
    return *text + wrapped("A wider terminal also shows: " + join(left_out) + '\n', width);
  }
  if (auto text = under_names(rows_, rules_, width)) return *text;
  return stacked(width);
}

std::string TextTable::stacked(int width) const {
  int widest = 0;
  for (const std::string& title : rows_.front()) widest = std::max(widest, display_width(title));
  widest = std::min(widest, width / 2);
  std::string text;
  for (size_t r = 1; r < rows_.size(); ++r) {
    if (r > 1 && is_ruled(rules_, r)) text += repeated("─", width) + '\n';
    text += rows_[r].front() + '\n';
    for (size_t i = 1; i < rows_[r].size(); ++i) {
      if (rows_[r][i].empty()) continue;
      text += "  " + aligned(rows_.front()[i], widest, true) + "  " + rows_[r][i] + '\n';
    }
  }
  return wrapped(text, width);
}

}  // namespace hre
