#include "cli/gate_status.h"

#include "report/gate_text.h"

namespace hre::cli {

Status gate_status(const GateReport& report, Console& console) {
  if (report.verdict == GateVerdict::kPass) return {};
  if (report.verdict == GateVerdict::kInconclusive) console.threshold_status = 4;
  return fail(ErrorCode::kThreshold, std::string(gate_verdict_word(report.verdict)) + ": " + gate_summary(report));
}

}  // namespace hre::cli
