#pragma once
/// Logs of other harnesses as runs: one value for each item, and no answers. What hre compare, power and gate say of
/// them is about that value.

#include <string>
#include <string_view>

#include "hre/run.h"

namespace hre {

/// Reads a log: lines of lm-evaluation-harness's samples_TASK_DATE.jsonl; any JSON lines or CSV with a header
/// that have an item, a value and, if there are several, a group.
///
/// - Items are the same where group and id are. The harness's items have its hash of their contents in their id, so
///   that other contents are another item.
/// - Several values of an item (epochs, seeds) are averaged; the mean's standard error over items holds their part.
/// - `metric` names the value where a row has several; empty: the first. "NAME,FILTER" chooses a filter.
///
/// `path` gives names: of the model, its folder or file; of the group, the task in the file's name.
Result<Run> read_item_log(std::string_view text, const std::string& path, const std::string& metric);

/// Whether a file's name says that it is such a log.
bool is_item_log(const std::string& path);

}  // namespace hre
