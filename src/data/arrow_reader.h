#pragma once
/// Parquet files and Arrow stream files, read batch by batch with bounded memory.

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "data/rows.h"

struct ArrowArrayStream;

namespace hre::data {

/// The largest allocation that a file may cause in Arrow, so that corrupted sizes end in an error and not in swapping.
/// A real file needs a few batches and one row group's compressed columns.
int64_t memory_limit_for(uint64_t file_bytes);

Result<std::unique_ptr<RowReader>> open_parquet(const std::string& path);
Result<std::unique_ptr<RowReader>> open_arrow_stream(const std::string& path);

/// Reads from bytes in memory, which must outlive the reader; `name` is for messages.
Result<std::unique_ptr<RowReader>> read_parquet(std::string_view bytes, const std::string& name, int64_t memory_limit);
Result<std::unique_ptr<RowReader>> read_arrow_stream(std::string_view bytes, const std::string& name,
                                                     int64_t memory_limit);

/// Rows of a stream of record batches by Arrow's C interface, without a copy. The stream is taken over.
Result<std::unique_ptr<RowReader>> read_arrow_batches(ArrowArrayStream* stream, const std::string& name);

/// A cell of a column of single values; nothing where it is null.
using CellValue = std::variant<std::monostate, double, std::string>;

/// One row of the columns that were wanted, which `columns` names in the cells' order.
using VisitCells = std::function<Status(const std::vector<std::string>& columns, const std::vector<CellValue>& cells)>;

/// Reads columns of single values (numbers, texts, true and false as 1 and 0) of any parquet file, row by row. A column
/// within a struct is named by its path, "doc.id". Columns that are not wanted are not unpacked; those of other types
/// are left out. Without any column, no row is visited.
Status visit_parquet(const std::string& path, const std::function<bool(const std::string& column)>& wanted,
                     const VisitCells& visit);

}  // namespace hre::data
