#pragma once
/// What else could explain a run's value, as text and as JSON (hre-confounds/1, docs/formats.md).

#include <string>
#include <vector>

#include "stats/run_confounds.h"

namespace hre {

std::string confounds_text(const Run& run, const RunConfounds& confounds);
std::string confounds_json(const std::vector<Run>& runs, const std::vector<RunConfounds>& confounds,
                           const BootstrapOptions& options, double share);

}  // namespace hre
