#pragma once
/// Tables of text: columns as wide as their widest cell, in terminal columns.

#include <optional>
#include <string>
#include <vector>

namespace hre {

/// "0.1081"; "–" where there is no value.
std::string fixed(const std::optional<double>& value);

/// Of a run or an answer by its position: A, B, ..., Z, AA.
std::string letter_of(size_t position);

class TextTable {
 public:
  /// The first column is aligned left, the others right.
  explicit TextTable(std::vector<std::string> header) { add_row(std::move(header)); }

  /// Cells may hold names from elsewhere: each is shown in one line, and nothing in it is obeyed.
  void add_row(std::vector<std::string> cells);
  /// A rule under what has been added so far (one stands under the header).
  void add_rule() { rules_.push_back(rows_.size()); }

  [[nodiscard]] std::string render() const;

 private:
  std::vector<std::vector<std::string>> rows_;
  std::vector<size_t> rules_ = {1};
};

}  // namespace hre
