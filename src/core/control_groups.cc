#include "core/control_groups.h"

#include <fstream>
#include <sstream>

namespace hre {
namespace {

/// Whether a comma-separated list such as "cpu,cpuacct" contains the name.
bool lists(const std::string& controllers, std::string_view name) {
  std::istringstream words(controllers);
  for (std::string word; std::getline(words, word, ',');) {
    if (word == name) return true;
  }
  return false;
}

}  // namespace

std::vector<ControlGroup> control_groups(std::string_view controller, const std::string& memberships,
                                         const std::string& mounts) {
  std::vector<ControlGroup> groups;
  std::ifstream file(memberships);
  for (std::string line; std::getline(file, line);) {  // "4:cpu,cpuacct:/docker/1a2b", "0::/user.slice"
    const size_t first = line.find(':'), second = first == std::string::npos ? first : line.find(':', first + 1);
    if (second == std::string::npos) continue;
    const bool unified = line.starts_with("0::");
    if (!unified && !lists(line.substr(first + 1, second - first - 1), controller)) continue;
    const std::string root = unified ? mounts : mounts + "/" + std::string(controller);
    std::string path = line.substr(second + 1);
    for (bool more = true; more;) {
      if (path == "/") path.clear();
      groups.push_back({root + path, unified});
      more = !path.empty();
      if (more) path.erase(path.rfind('/') == std::string::npos ? 0 : path.rfind('/'));
    }
  }
  return groups;
}

}  // namespace hre
