#pragma once
/// JSON lines: one question a line, as docs/formats.md specifies. Lines are parsed as they come and
/// what is not asked for is skipped without being kept, so that memory is one line and its question.

#include <memory>
#include <string>
#include <string_view>

#include "data/rows.h"

namespace hre::data {

/// Longer lines are refused without being read to their end.
inline constexpr size_t kLongestLine = size_t{256} << 20;

Result<std::unique_ptr<RowReader>> open_jsonl(const std::string& path);

/// The same of bytes in memory, which must outlive the reader; `name` is for messages.
Result<std::unique_ptr<RowReader>> read_jsonl(std::string_view bytes, const std::string& name,
                                              size_t longest_line = kLongestLine);

}  // namespace hre::data
