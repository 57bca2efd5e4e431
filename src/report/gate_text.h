#pragma once
/// A gate's report as text, JSON, Markdown for a pull request, and JUnit XML.

#include <string>
#include <vector>

#include "analysis/gate.h"

namespace hre {

/// At most `width` terminal columns wide.
std::string gate_text(const GateReport& report, int width);
/// `where`: the conditions that questions were selected by, as given.
std::string gate_json(const GateReport& report, const std::vector<std::string>& where);
/// `command`: how to reproduce it, or empty.
std::string gate_markdown(const GateReport& report, const std::string& command);
std::string gate_junit(const GateReport& report);

/// "PASS", "FAIL", "INCONCLUSIVE"
const char* gate_verdict_word(GateVerdict verdict);

/// One sentence: the verdict, and what it rests on.
std::string gate_summary(const GateReport& report);

}  // namespace hre
