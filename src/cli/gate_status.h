#pragma once
/// The status that a gate's verdict ends with: of hre gate, and of hre eval --gate.

#include "analysis/gate.h"
#include "cli/command.h"

namespace hre::cli {

/// Success for PASS; status 3 for FAIL, 4 for INCONCLUSIVE.
Status gate_status(const GateReport& report, Console& console);

}  // namespace hre::cli
