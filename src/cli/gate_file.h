#pragma once
/// Policy files of hre gate and hre eval --gate, in TOML: docs/ci.md; and the status that a verdict ends with.

#include <string>
#include <string_view>

#include "analysis/gate.h"
#include "cli/command.h"
#include "hre/result.h"

namespace hre::cli {

struct GateFile {
  std::string baseline;  ///< RUN; empty where the file names none
  GatePolicy policy;
};

Result<GateFile> read_gate_file(const std::string& path);
/// Every mistake is an input error with its line.
Result<GateFile> parse_gate_file(std::string_view toml, const std::string& place);

/// Success for PASS; status 3 for FAIL, 4 for INCONCLUSIVE.
Status gate_status(const GateReport& report, Console& console);

}  // namespace hre::cli
