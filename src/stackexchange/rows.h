#pragma once
/// The rows of a dump's table (Posts.xml): an XML file of one element, <posts>, whose children are
/// <row Name="value" ... /> with everything in attributes.
///
/// Rows in the dumps' plain form are taken apart by a scanner (row_scan.h) that works at the speed of
/// memory; only the attributes that are asked for are decoded. Whatever the scanner does not take is given
/// to expat (row_expat.h), whose word is final: it reads the row after all, or says what is wrong with it.
/// Such rows are skipped and counted, and reading goes on with the next. Memory is bounded by kLongestRow.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "hre/result.h"
#include "stackexchange/bytes.h"
#include "stackexchange/row_scan.h"

namespace hre::stackexchange {

/// Bytes; posts are at most some 100 KB.
inline constexpr size_t kLongestRow = size_t{16} << 20;

/// One row. It lives until the reader's next().
class Row {
 public:
  int64_t number = 0;  ///< from 1, skipped rows included
  int64_t offset = 0;  ///< of its first byte in the file

  [[nodiscard]] bool has(std::string_view name) const { return find(name) != nullptr; }
  /// The attribute as it stands in the file, entities and all; nothing where it is missing.
  [[nodiscard]] std::optional<std::string_view> raw(std::string_view name) const;
  /// The attribute's value, valid UTF-8; nothing where it is missing.
  [[nodiscard]] std::optional<std::string> text(std::string_view name) const;
  /// The attribute as a decimal whole number; nothing where it is missing or is none.
  [[nodiscard]] std::optional<int64_t> number_of(std::string_view name) const;
  /// Names and decoded values, in the file's order.
  [[nodiscard]] std::vector<std::pair<std::string, std::string>> attributes() const;

 private:
  friend class RowReader;
  [[nodiscard]] const ScannedAttribute* find(std::string_view name) const;
  std::vector<ScannedAttribute> attributes_;
};

/// A row that could not be read, and why.
struct RowProblem {
  int64_t number = 0;
  int64_t offset = 0;
  std::string message;
};

struct RowOptions {
  bool strict = false;           ///< the first row that can't be read is an error
  bool allow_truncated = false;  ///< a file that ends too early is a note, not an error
};

class RowReader {
 public:
  /// `root` is the element that must hold the rows ("posts"); `place` names the file in messages.
  RowReader(ByteSource& bytes, std::string place, std::string root, RowOptions options = {});

  /// Reads the next row; false at the end. Errors: reading fails, the file is no table of this kind,
  /// it declares entities, it ends too early, and any bad row where strict.
  Result<bool> next(Row& row);

  /// Rows met so far, skipped ones included.
  [[nodiscard]] int64_t rows() const { return number_; }
  [[nodiscard]] int64_t skipped() const { return skipped_; }
  /// Rows that were taken without control characters that stood in them, which no XML may have.
  [[nodiscard]] int64_t cleaned() const { return cleaned_; }
  /// The first few rows that were skipped.
  [[nodiscard]] const std::vector<RowProblem>& problems() const { return problems_; }
  [[nodiscard]] bool truncated() const { return truncated_; }
  /// Bytes of the file taken so far.
  [[nodiscard]] int64_t position() const { return base_ + static_cast<int64_t>(at_); }
  /// The error that this row is no good, for those who find out later; it counts and, where strict, fails.
  Status reject(const Row& row, std::string message);

 private:
  Status open();
  Result<bool> fill();
  Result<size_t> find_ahead(char c, size_t from);
  Result<size_t> find_boundary();
  Result<bool> read_row(Row& row);
  Status skip_bad(Row& row, bool& taken);
  Status end_of_table();
  Status cut_short();
  Status count_problem(int64_t number, int64_t offset, std::string message);
  [[nodiscard]] std::string where(int64_t number, int64_t offset) const;
  [[nodiscard]] std::string_view ahead() const { return {window_.data() + at_, end_ - at_}; }

  ByteSource& bytes_;
  std::string place_, root_;
  RowOptions options_;
  std::string window_;  // bytes [base_, base_ + end_) of the file
  size_t at_ = 0, end_ = 0;
  int64_t base_ = 0;
  bool opened_ = false, closed_ = false, source_done_ = false, truncated_ = false;
  int64_t number_ = 0, skipped_ = 0, cleaned_ = 0;
  std::vector<RowProblem> problems_;
  std::vector<std::string> decoded_;  // what expat read of the current row
};

}  // namespace hre::stackexchange
