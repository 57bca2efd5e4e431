#pragma once
/// Text that fits into a terminal: tables whose columns are as wide as their widest cell, and paragraphs.

#include <string>
#include <string_view>
#include <vector>

namespace hre {

/// Of a run or an answer by its position: A, B, ..., Z, AA.
std::string letter_of(size_t position);

/// Lines wider than `width` terminal columns (0: no limit) are broken at spaces. What follows stands under the text of
/// the line's last column, if there are columns (two spaces between them), else under the line's own beginning. Words
/// are never broken, so that a path can still be copied.
std::string wrapped(std::string_view text, int width);

class TextTable {
 public:
  /// The first column is aligned left, the others right.
  explicit TextTable(std::vector<std::string> header) { add_row(std::move(header)); }

  /// Cells may hold names from elsewhere: each is shown in one line, and nothing in it is obeyed.
  void add_row(std::vector<std::string> cells);
  /// A rule under what has been added so far (one stands under the header).
  void add_rule() { rules_.push_back(rows_.size()); }
  /// Columns that a narrow terminal can do without, by their titles, the least important one first.
  void can_spare(std::vector<std::string> titles) { spare_ = std::move(titles); }

  /// At most `width` terminal columns wide (0: no limit), as far as the longest cell allows. In this order: titles are
  /// broken into several lines; columns are left out, and named under the table; each row's name stands on a line of
  /// its own; each row's cells stand under each other.
  [[nodiscard]] std::string render(int width) const;

 private:
  [[nodiscard]] std::string stacked(int width) const;

  std::vector<std::vector<std::string>> rows_;  // the header first
  std::vector<size_t> rules_ = {1};
  std::vector<std::string> spare_;
};

}  // namespace hre
