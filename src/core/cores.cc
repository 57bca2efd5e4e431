#include "core/cores.h"

#include <algorithm>
#include <cmath>
#include <fstream>
#include <string>
#include <thread>

namespace hre {
namespace {

/// The cores' worth of time that a group's cpu.max gives; 0: no limit, or no such group.
double limit_of(const std::string& group) {
  std::ifstream file("/sys/fs/cgroup" + group + "/cpu.max");
  std::string quota;
  double period = 0;
  if (!(file >> quota >> period) || quota == "max" || period <= 0) return 0;
  return std::strtod(quota.c_str(), nullptr) / period;
}

/// This process's group, from the line "0::/path" of the unified hierarchy.
std::string own_group() {
  std::ifstream file("/proc/self/cgroup");
  for (std::string line; std::getline(file, line);) {
    if (line.starts_with("0::")) return line.substr(3);
  }
  return "";
}

}  // namespace

int usable_cores() {
  double cores = std::max(1U, std::thread::hardware_concurrency());
  std::string group = own_group();
  for (bool more = true; more;) {
    if (const double limit = limit_of(group == "/" ? "" : group); limit > 0) cores = std::min(cores, limit);
    more = !group.empty();
    group.erase(more ? group.rfind('/') : 0);
  }
  return std::max(1, static_cast<int>(std::floor(cores)));
}

}  // namespace hre
