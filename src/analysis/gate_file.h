#pragma once
/// Policy files of gates, in TOML: docs/ci.md.

#include <string>
#include <string_view>

#include "analysis/gate.h"
#include "hre/result.h"

namespace hre {

struct GateFile {
  std::string baseline;  ///< RUN; empty where the file names none
  GatePolicy policy;
};

Result<GateFile> read_gate_file(const std::string& path);
/// Every mistake is an input error with its line.
Result<GateFile> parse_gate_file(std::string_view toml, const std::string& place);

}  // namespace hre
