#include "core/control_groups.h"

#include <fstream>

namespace hre {

std::vector<ControlGroup> control_groups(std::string_view controller) {
  const std::string own = ":" + std::string(controller) + ":";
  std::vector<ControlGroup> groups;
  std::ifstream file("/proc/self/cgroup");
  for (std::string line; std::getline(file, line);) {
    const bool unified = line.starts_with("0::");
    const size_t at = line.find(own);
    if (!unified && at == std::string::npos) continue;
    const std::string root = unified ? "/sys/fs/cgroup" : "/sys/fs/cgroup/" + std::string(controller);
    std::string path = line.substr(unified ? 3 : at + own.size());
    for (bool more = true; more;) {
      if (path == "/") path.clear();
      groups.push_back({root + path, unified});
      more = !path.empty();
      path.erase(more ? path.rfind('/') : 0);
    }
  }
  return groups;
}

}  // namespace hre
