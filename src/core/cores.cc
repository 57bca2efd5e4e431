#include "core/cores.h"

#include <sched.h>

#include <algorithm>
#include <cmath>
#include <fstream>
#include <string>
#include <thread>
#include <vector>

namespace hre {
namespace {

/// The number of cores on which the system lets this thread run: its affinity within its cpuset. 0 if unknown.
int cores_of_thread() {
#ifdef __linux__
  constexpr int kMost = 1 << 16;
  for (int n = 1024; n <= kMost; n *= 2) {  // the kernel refuses a mask that is smaller than its own
    std::vector<cpu_set_t> set(static_cast<size_t>(n) / (8 * sizeof(cpu_set_t)));
    const size_t bytes = set.size() * sizeof(cpu_set_t);
    if (sched_getaffinity(0, bytes, set.data()) == 0) return CPU_COUNT_S(bytes, set.data());
  }
#endif
  return 0;
}

double first_number(const std::string& path) {
  std::ifstream file(path);
  double number = 0;
  return file >> number ? number : 0;
}

}  // namespace

double time_limit(const ControlGroup& group) {
  double quota = 0, period = 0;
  if (group.unified) {
    std::ifstream(group.folder + "/cpu.max") >> quota >> period;  // "max 100000" leaves both 0
  } else {
    quota = first_number(group.folder + "/cpu.cfs_quota_us");  // -1: no limit
    period = first_number(group.folder + "/cpu.cfs_period_us");
  }
  return quota > 0 && period > 0 ? quota / period : 0;
}

int usable_cores() {
  double cores = cores_of_thread();
  if (cores < 1) cores = std::thread::hardware_concurrency();
  for (const ControlGroup& group : control_groups("cpu")) {
    if (const double limit = time_limit(group); limit > 0) cores = std::min(cores, limit);
  }
  return std::max(1, static_cast<int>(std::floor(cores)));
}

}  // namespace hre
