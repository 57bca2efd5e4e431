#pragma once
/// Comparisons as JSON (hre-compare/1, docs/formats.md).

#include <string>

#include "analysis/comparison.h"
#include "report/json_numbers.h"

namespace hre {

/// `where`: the conditions that questions were selected by, as given.
std::string comparison_json(const Comparison& comparison, const std::vector<std::string>& where);

/// One paired comparison, as comparisons and studies hold it.
Json json_paired(const PairedComparison& pair);

}  // namespace hre
