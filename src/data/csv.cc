#include "data/csv.h"

#include <arrow/api.h>
#include <arrow/csv/api.h>
#include <arrow/io/api.h>

#include <algorithm>

#include "core/text.h"
#include "data/arrow_status.h"

namespace hre::data {
namespace {

constexpr int kMostColumns = 4096;

// The header is read as an ordinary row, so that every column is read as text.
arrow::Result<std::shared_ptr<arrow::Table>> parse(std::string_view text) {
  auto read = arrow::csv::ReadOptions::Defaults();
  read.autogenerate_column_names = true;
  read.use_threads = false;
  read.block_size = static_cast<int32_t>(text.size() + 1);
  auto parse = arrow::csv::ParseOptions::Defaults();
  parse.newlines_in_values = true;
  auto convert = arrow::csv::ConvertOptions::Defaults();
  convert.null_values = {};
  convert.strings_can_be_null = false;
  for (int i = 0; i < kMostColumns; ++i) convert.column_types["f" + std::to_string(i)] = arrow::utf8();
  const auto input = std::make_shared<arrow::io::BufferReader>(std::make_shared<arrow::Buffer>(
      reinterpret_cast<const uint8_t*>(text.data()), static_cast<int64_t>(text.size())));
  ARROW_ASSIGN_OR_RAISE(auto reader,
                        arrow::csv::TableReader::Make(arrow::io::default_io_context(), input, read, parse, convert));
  return reader->Read();
}

std::string cell(const arrow::Table& table, int column, int64_t row) {
  const auto value = table.column(column)->GetScalar(row);
  return value.ok() && (*value)->is_valid ? (*value)->ToString() : "";
}

}  // namespace

std::optional<size_t> CsvTable::column(std::string_view name) const {
  const auto found = std::ranges::find(columns, name);
  return found == columns.end() ? std::nullopt : std::optional(static_cast<size_t>(found - columns.begin()));
}

Result<CsvTable> read_csv(std::string_view text, const std::string& where) {
  constexpr size_t kMost = size_t{256} << 20;
  if (text.starts_with("\xEF\xBB\xBF")) text.remove_prefix(3);
  if (text.size() > kMost) return input_error("is larger than 256 MiB", where);
  if (const auto at = find_invalid_utf8(text))
    return input_error("byte " + std::to_string(*at + 1) + " is not UTF-8", where);
  if (text.find_first_not_of(" \t\r\n") == std::string_view::npos) return input_error("is empty", where);
  const auto table = parse(text.ends_with('\n') ? std::string(text) : std::string(text) + '\n');
  if (!table.ok()) return input_error("is not a CSV table: " + message_of(table.status()), where);
  if ((*table)->num_columns() > kMostColumns) return input_error("has more than 4096 columns", where);
  CsvTable result;
  for (int64_t row = 0; row < (*table)->num_rows(); ++row) {
    std::vector<std::string> cells;
    for (int column = 0; column < (*table)->num_columns(); ++column) cells.push_back(cell(**table, column, row));
    if (row == 0) {
      result.columns = std::move(cells);
    } else {
      result.rows.push_back(std::move(cells));
    }
  }
  return result;
}

}  // namespace hre::data
