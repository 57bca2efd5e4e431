#pragma once
/// One input file, row by row, before topics and ids are assigned. The formats (JSON lines, parquet, Arrow streams)
/// differ only below this interface; dataset.cc builds a DatasetReader on any of them.

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "hre/dataset.h"
#include "hre/result.h"

namespace hre::data {

/// A question as its row states it.
struct Row {
  std::optional<std::string> id;     ///< valid UTF-8, not empty
  std::optional<std::string> topic;  ///< unchanged; valid UTF-8
  std::string text;
  std::vector<Answer> answers;
};

/// Reads a file's rows in order. Not thread-safe; not to be used after an error.
class RowReader {
 public:
  virtual ~RowReader() = default;
  /// Reads the next row; nothing at the end. Errors name file, row and column.
  virtual Result<std::optional<Row>> next() = 0;
  /// The place of the row read last: "FILE, row 12".
  [[nodiscard]] virtual std::string where() const = 0;
  /// The share of the file read so far, in [0, 1].
  [[nodiscard]] virtual double progress() const = 0;
};

/// Rows that are in memory, and the topic of those that name none.
struct TopicRows {
  std::string topic;
  std::unique_ptr<RowReader> rows;
};

/// A dataset of rows that are in no file. `name` is for people, and its source.
Result<Dataset> dataset_of_rows(std::vector<TopicRows> parts, const std::string& name);

}  // namespace hre::data
