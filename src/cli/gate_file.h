#pragma once
/// Policy files of hre gate, in TOML: docs/ci.md.

#include <string>
#include <string_view>

#include "analysis/gate.h"
#include "hre/result.h"

namespace hre::cli {

struct GateFile {
  std::string baseline;  ///< RUN; empty where the file names none
  GatePolicy policy;
};

/// Every mistake is an input error with its line.
Result<GateFile> parse_gate_file(std::string_view toml, const std::string& place);

}  // namespace hre::cli
