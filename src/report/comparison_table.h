#pragma once
/// Comparisons as text.

#include <string>

#include "analysis/comparison.h"

namespace hre {

/// What `hre compare` prints: the runs, the pairs, the topics, the questions that moved most, and the verdict.
std::string comparison_text(const Comparison& comparison);

/// "0.1081 [0.0957, 0.1205]"; "–" where undefined.
std::string with_interval(const std::optional<double>& value, const std::optional<Interval>& interval);
std::string with_interval(const Estimate& estimate);

/// "for other topics: ± 0.0142 [0.0790, 0.1372], by bootstrap over clusters [0.0801, 0.1365] (14 clusters by topic,
/// ...)"
std::string clustered_text(const ClusteredEstimate& clustered);

/// " (chance 0.2500)"; nothing where chance is 0, or is not known.
std::string chance_text(const Estimate& estimate);

/// A p-value: "0.0312", "< 0.0001", "0.0312 (exact)".
std::string p_text(const std::optional<double>& p, bool exact = false);

}  // namespace hre
