#pragma once
/// Studies as JSON (hre-study/1, docs/formats.md).

#include <string>
#include <vector>

#include "analysis/study.h"

namespace hre {

/// `where`: the conditions that questions were selected by, as given.
std::string study_json(const Study& study, const std::string& name, const std::vector<std::string>& where);

}  // namespace hre
