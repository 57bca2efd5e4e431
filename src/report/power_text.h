#pragma once
/// What so many questions can tell, as text and as JSON (hre-power/1, docs/formats.md).

#include <string>
#include <vector>

#include "analysis/power.h"

namespace hre {

std::string power_text(const RunPower& power, int width = 80);
std::string power_json(const RunPower& power, const std::vector<std::string>& where);

}  // namespace hre
