#pragma once
/// What else could explain a run's value, as text and as JSON (hre-confounds/1, docs/formats.md).

#include <string>
#include <vector>

#include "analysis/confounds.h"

namespace hre {

std::string confounds_text(const Run& run, const RunConfounds& confounds, int width = 80);
std::string confounds_json(const std::vector<Run>& runs, const std::vector<RunConfounds>& confounds, double share);

}  // namespace hre
