#include "core/cores.h"

#include <algorithm>
#include <cmath>
#include <fstream>
#include <string>
#include <thread>

#include "core/control_groups.h"

namespace hre {
namespace {

/// The cores' worth of time that a group's cpu.max gives; 0: no limit, or no such group.
double limit_of(const std::string& folder) {
  std::ifstream file(folder + "/cpu.max");
  std::string quota;
  double period = 0;
  if (!(file >> quota >> period) || quota == "max" || period <= 0) return 0;
  return std::strtod(quota.c_str(), nullptr) / period;
}

}  // namespace

int usable_cores() {
  double cores = std::max(1U, std::thread::hardware_concurrency());
  for (const ControlGroup& group : control_groups("cpu")) {
    if (!group.unified) continue;
    if (const double limit = limit_of(group.folder); limit > 0) cores = std::min(cores, limit);
  }
  return std::max(1, static_cast<int>(std::floor(cores)));
}

}  // namespace hre
