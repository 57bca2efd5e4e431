#pragma once
/// JSON lines: one question per line, as docs/formats.md specifies. Lines are parsed as they are read, and values that
/// are not needed are skipped, so memory holds one line and its question.

#include <memory>
#include <string>
#include <string_view>

#include "data/rows.h"

namespace hre::data {

/// Longer lines are refused before they are read to their end.
inline constexpr size_t kLongestLine = size_t{256} << 20;

Result<std::unique_ptr<RowReader>> open_jsonl(const std::string& path);

/// Reads from bytes in memory, which must outlive the reader; `name` is for messages.
Result<std::unique_ptr<RowReader>> read_jsonl(std::string_view bytes, const std::string& name,
                                              size_t longest_line = kLongestLine);

}  // namespace hre::data
