#pragma once
/// What DATA is: the files behind it, their format, and the topic that each name stands for.

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
  std::string path;  ///< for messages only where `contents` is set
  Format format = Format::kJsonLines;
  std::string topic;  ///< of rows that do not name theirs
  uint64_t bytes = 0;
  std::optional<std::string_view> contents;  ///< of a built-in file
};

/// The files of DATA in the order in which they are read; never none.
Result<std::vector<InputFile>> find_inputs(const std::string& source);

Result<std::unique_ptr<RowReader>> open_rows(const InputFile& file);

/// What DATA may be, for messages: "a folder or file of parquet, ...".
inline constexpr const char* kAcceptedData =
    "give a folder or file of parquet or .jsonl, a dataset saved by datasets.save_to_disk, or sample";

/// The built-in dataset's files, by topic.
std::vector<InputFile> sample_inputs();

}  // namespace hre::data
