#pragma once
/// Logs of other harnesses as runs: one value for each item, and no answers. What hre compare, power, gate, study and
/// report say of them is about that value.

#include <string>

#include "hre/run.h"

namespace hre {

/// Reads a log, by the end of its name:
///
/// - .jsonl: lines of lm-evaluation-harness's samples_TASK_DATE.jsonl or of olmo-eval's TASK-predictions.jsonl; any
///   other JSON lines that have an item, a value and, if there are several, a group
/// - .csv: the same with a header
/// - .eval, .json: Inspect's logs (eval/inspect_log.h)
/// - .parquet: lighteval's details_TASK_DATE.parquet
///
/// Items are the same where group and id are. Where the harness keeps an item's text or its hash, the id holds a hash,
/// so that other contents are another item. Several values of an item (epochs, seeds) are averaged, and
/// QuestionResult::repeats tells how they vary.
///
/// `metric` names the value where there are several; empty: the first. Of lm-evaluation-harness, "NAME,FILTER" chooses
/// a filter; of nested values, "NAME:KEY" one of them. `path` gives names: of the model, its folder or file; of the
/// group, the task in the file's name.
Result<Run> read_item_log(const std::string& path, const std::string& metric);

/// Whether a file is such a log, by its name; of .json, by how it begins.
bool is_item_log(const std::string& path);

}  // namespace hre
