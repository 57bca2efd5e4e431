#pragma once
/// Comparisons as text.

#include <span>
#include <string>

#include "analysis/comparison.h"

namespace hre {

/// What `hre compare` prints: the verdict, the runs, the pairs, the topics, the questions that moved most. At most
/// `width` terminal columns wide (0: no limit).
std::string comparison_text(const Comparison& comparison, int width = 80);

/// What of each run's value goes through the answers' length: an empty line, then "A  0.395", its two parts, and length
/// alone; then the value of log votes and of ranked votes. Empty where no run has lengths, as with logs of other
/// harnesses.
std::string length_table(std::span<const ComparedRun> runs, Weights weights, int width);

/// "for other topics: standard error 0.014, 95 % interval [0.079, 0.137], by bootstrap over clusters [0.080, 0.137]
/// (clusters by topic: 14, effective 12.1)", and a line for the macro average; each begins with `name`.
std::string clustered_text(const ClusteredValue& value, const std::string& name = "");

}  // namespace hre
