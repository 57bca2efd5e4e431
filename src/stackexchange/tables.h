#pragma once
/// Reads tables of a dump row by row, with progress in bytes, reading ahead, and a way to stop.

#include <cstdint>
#include <functional>
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

#include "hre/progress.h"
#include "hre/result.h"
#include "stackexchange/dump.h"
#include "stackexchange/rows.h"

namespace hre::stackexchange {

struct ReadOptions {
  RowOptions rows;
  int threads = 1;
  bool need_locks = false;  ///< read PostHistory.xml if it exists
};

/// The result of reading a table.
struct TableCounts {
  int64_t rows = 0, skipped = 0, cleaned = 0;
  bool truncated = false;
  std::vector<std::string> problems;
};

/// Reads all rows of a table with progress in bytes. `each` returns what is wrong with a row, or nothing.
Result<TableCounts> read_table(const TableFile& table, ByteSource& bytes, const ReadOptions& options,
                               ProgressListener& progress, std::stop_token stop,
                               const std::function<Result<std::optional<std::string>>(const TableRow&)>& each);

/// "PATH: row 7, byte 1234", where the post with this id occurs in Posts.xml for the first, second, ... time; only the
/// path if it isn't found. Reads the table again, so it is for errors only.
std::string place_of_post(const Dump& dump, uint32_t id, int occurrence, const std::stop_token& stop);

}  // namespace hre::stackexchange
