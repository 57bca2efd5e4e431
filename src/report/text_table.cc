#include "report/text_table.h"

#include <fmt/format.h>

#include <algorithm>

#include "core/text.h"
#include "core/visible.h"

namespace hre {

std::string fixed(const std::optional<double>& value) { return value ? fmt::format("{:.4f}", *value) : "–"; }

std::string letter_of(size_t position) {
  std::string letters(1, static_cast<char>('A' + position % 26));
  return position < 26 ? letters : letter_of(position / 26 - 1) + letters;
}

void TextTable::add_row(std::vector<std::string> cells) {
  for (std::string& cell : cells) cell = visible_line(cell);
  rows_.push_back(std::move(cells));
}

std::string TextTable::render() const {
  std::vector<int> widths(rows_.front().size());
  for (const auto& row : rows_) {
    for (size_t i = 0; i < row.size(); ++i) widths[i] = std::max(widths[i], display_width(row[i]));
  }
  int total = -2;
  for (const int width : widths) total += width + 2;

  std::string text;
  for (size_t r = 0; r < rows_.size(); ++r) {
    if (std::find(rules_.begin(), rules_.end(), r) != rules_.end()) {
      for (int i = 0; i < total; ++i) text += "─";
      text += '\n';
    }
    std::string line;
    for (size_t i = 0; i < rows_[r].size(); ++i) {
      const std::string padding(static_cast<size_t>(widths[i] - display_width(rows_[r][i])), ' ');
      line += (i == 0 ? "" : "  ") + (i == 0 ? rows_[r][i] + padding : padding + rows_[r][i]);
    }
    text += line.substr(0, line.find_last_not_of(' ') + 1) + '\n';
  }
  return text;
}

}  // namespace hre
