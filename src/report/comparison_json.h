#pragma once
/// Comparisons as JSON (hre-compare/1, docs/formats.md).

#include <string>

#include "report/json_numbers.h"
#include "stats/run_comparison.h"

namespace hre {

/// `where`: the conditions that questions were selected by, as given.
std::string comparison_json(const RunComparison& comparison, const std::vector<std::string>& where);

/// One paired comparison, as comparisons and studies hold it.
Json json_paired(const PairedComparison& pair);

}  // namespace hre
