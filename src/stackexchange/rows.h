#pragma once
/// The rows of a table, and the reader of a dump's (Posts.xml): an XML file of one element, <posts>, whose children are
/// <row Name="value" ... />, with all data in attributes. jsonl_posts.h makes rows of other forums' JSON lines.
///
/// A scanner (row_scan.h) that works at the speed of memory splits rows in the dumps' plain form; only the attributes
/// that are needed are decoded. Rows that the scanner rejects are given to expat (row_expat.h), whose word is final: it
/// reads the row after all, or says what is wrong with it. Bad rows are skipped and counted, and reading continues with
/// the next row. Memory is bounded by kLongestRow.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "hre/result.h"
#include "stackexchange/bytes.h"
#include "stackexchange/row_scan.h"

namespace hre::stackexchange {

/// In bytes; real posts have at most some 100 KB.
inline constexpr size_t kLongestRow = size_t{16} << 20;

/// One row. It is valid until the reader's next().
class TableRow {
 public:
  int64_t number = 0;  ///< from 1, including skipped rows
  int64_t offset = 0;  ///< of its first byte in the file

  [[nodiscard]] bool has(std::string_view name) const { return find(name) != nullptr; }
  /// The attribute as in the file, entities included; nothing if it is missing.
  [[nodiscard]] std::optional<std::string_view> raw(std::string_view name) const;
  /// The attribute's decoded value, valid UTF-8; nothing if it is missing.
  [[nodiscard]] std::optional<std::string> text(std::string_view name) const;
  /// The attribute as a decimal whole number; nothing if it is missing or not a number.
  [[nodiscard]] std::optional<int64_t> number_of(std::string_view name) const;
  /// Names and decoded values, in the order of the file.
  [[nodiscard]] std::vector<std::pair<std::string, std::string>> attributes() const;

 private:
  friend class XmlReader;
  friend class JsonlReader;
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
  bool strict = false;           ///< the first unreadable row is an error
  bool allow_truncated = false;  ///< a file that ends too early is a note, not an error
};

/// Reads a table row by row, and counts what can't be read.
class TableReader {
 public:
  TableReader(ByteSource& bytes, std::string place, RowOptions options)
      : bytes_(bytes), place_(std::move(place)), options_(options) {}
  virtual ~TableReader() = default;

  /// Reads the next row; false at the end. Errors: reading fails, the file is not a table of this kind, declares
  /// entities, or ends too early; with `strict` also any bad row.
  virtual Result<bool> next(TableRow& row) = 0;
  /// "Posts.xml: row 7, byte 1234"
  [[nodiscard]] virtual std::string where(int64_t number, int64_t offset) const = 0;

  /// The number of rows so far, including skipped ones; of JSON lines, of lines.
  [[nodiscard]] int64_t rows() const { return number_; }
  [[nodiscard]] int64_t skipped() const { return skipped_; }
  /// The number of rows that were accepted after control characters, which XML forbids, were removed.
  [[nodiscard]] int64_t cleaned() const { return cleaned_; }
  /// The first few skipped rows.
  [[nodiscard]] const std::vector<RowProblem>& problems() const { return problems_; }
  [[nodiscard]] bool truncated() const { return truncated_; }
  /// Reports that this row is bad, for callers that find out later; it is counted and, with `strict`, an error.
  Status reject(const TableRow& row, std::string message);

 protected:
  Status count_problem(int64_t number, int64_t offset, std::string message);

  ByteSource& bytes_;
  std::string place_;
  RowOptions options_;
  bool truncated_ = false;
  int64_t number_ = 0, skipped_ = 0, cleaned_ = 0;
  std::vector<RowProblem> problems_;
};

class XmlReader final : public TableReader {
 public:
  /// `root` is the element that must contain the rows ("posts"); `place` names the file in messages.
  XmlReader(ByteSource& bytes, std::string place, std::string root, RowOptions options = {});
  Result<bool> next(TableRow& row) override;
  [[nodiscard]] std::string where(int64_t number, int64_t offset) const override;
  /// The number of bytes of the file read so far.
  [[nodiscard]] int64_t position() const { return base_ + static_cast<int64_t>(at_); }

 private:
  Status open();
  Result<bool> fill();
  Result<size_t> find_ahead(char c, size_t from);
  Result<size_t> find_boundary();
  Result<bool> read_row(TableRow& row);
  Status skip_bad(TableRow& row, bool& taken);
  Status end_of_table();
  Status cut_short();
  [[nodiscard]] std::string_view ahead() const { return {window_.data() + at_, end_ - at_}; }

  std::string root_;
  std::string window_;  // bytes [base_, base_ + end_) of the file
  size_t at_ = 0, end_ = 0;
  int64_t base_ = 0;
  bool opened_ = false, closed_ = false, source_done_ = false;
  std::vector<std::string> decoded_;  // the current row's attributes as decoded by expat
};

}  // namespace hre::stackexchange
