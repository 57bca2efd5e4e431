#pragma once
/// Logs of Inspect (inspect_ai): a zip archive of JSON (.eval), or one JSON file.

#include <string>

#include "eval/item_values.h"

namespace hre {

/// Reads the scores of a log's samples. A value is a number or true or false; "C", "P", "I" and "N" are 1, 0.5, 0 and
/// 0, "yes" and "no" 1 and 0, as in Inspect's own metrics. `metric`: the scorer's name, and ":KEY" of a score that has
/// several values; empty: the first scorer. A sample without a score (an error, NaN) has no value. The samples of an
/// archive are read from its summaries, so that transcripts are not unpacked.
Result<ItemValues> read_inspect_log(const std::string& path, const std::string& metric);

/// Whether a JSON file begins as such logs do.
bool begins_as_inspect_log(const std::string& path);

}  // namespace hre
