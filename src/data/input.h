#pragma once
/// The folder src/data: datasets in and out: parquet, saved Arrow datasets, JSON lines, the built-in sample; metadata
/// and conditions.
///
/// Not here: dumps (src/stackexchange), names on the hub (src/hub), and which questions an evaluation takes
///           (src/eval/schedule.h).
/// Types:    `InputFile` is a file of DATA with its format; `RowReader` (rows.h) reads one as `Row`s; `DatasetReader`
///           (hre/dataset.h) joins them to questions; `DatasetWriter` (writer.h) writes them, into the place of an
///           `Output`.
/// Owners:   a reader owns its file; `Output` removes what was not committed.
/// Threads:  a reader or writer belongs to one thread; parsing functions are pure.
/// To add:   a format: a `RowReader`, a value of `Format`, a case in `find_inputs` and `open_rows`. A condition:
///           where.cc.

/// What DATA stands for: its files, their format, and the topic that each file name means.

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "data/rows.h"
#include "hre/result.h"

namespace hre::data {

enum class Format { kJsonLines, kParquet, kArrowStream };

struct InputFile {
  std::string path;  ///< only for messages if `contents` is set
  Format format = Format::kJsonLines;
  std::string topic;  ///< for rows that do not name their topic
  uint64_t bytes = 0;
  std::optional<std::string_view> contents;  ///< for built-in files
};

/// The files of DATA in the order in which they are read; at least one.
Result<std::vector<InputFile>> find_inputs(const std::string& source);

Result<std::unique_ptr<RowReader>> open_rows(const InputFile& file);

/// The possible forms of DATA, for messages: "a folder or file of parquet, ...".
inline constexpr const char* kAcceptedData =
    "give a folder or file of parquet or .jsonl, a dataset saved by datasets.save_to_disk, or sample";

/// The built-in dataset's files, by topic.
std::vector<InputFile> sample_inputs();

}  // namespace hre::data
