#pragma once
/// Runs as JSON: hre's own format, specified in docs/formats.md, and the reference implementation's.

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "analysis/clusters.h"
#include "hre/summary.h"

namespace hre {

/// Format hre-run/1. With details: every question and answer. Undefined numbers are null. `clustered`: of the value, or
/// null.
std::string run_json(const Run& run, const Summary& summary, bool details, const ClusteredValue* clustered = nullptr);

/// Runs from hre-run/1 with details: one object, or an array of them. `where` names the text in errors, which say
/// what field is wrong. Numbers that JSON can't hold come back as NaN; metrics without a value as nothing.
Result<std::vector<Run>> read_runs_json(std::string_view text, const std::string& where);

/// A run as a file has it. Without its questions (no --details) their means are there alone.
struct ReadRun {
  Run run;
  std::optional<Summary> summary;  ///< nothing where the questions are there to be summarised
};

/// As read_runs_json, and takes runs without their questions too. Of these `planned` is 0, unless they are partial.
Result<std::vector<ReadRun>> read_runs_or_means_json(std::string_view text, const std::string& where);

/// The reference implementation's result file: its keys and task names, undefined questions left out.
std::string reference_json(const Run& run, const Summary& summary);

}  // namespace hre
