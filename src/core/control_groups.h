#pragma once
/// Linux's control groups, whose limits count as the machine's own.

#include <string>
#include <string_view>
#include <vector>

namespace hre {

/// A folder of /sys/fs/cgroup.
struct ControlGroup {
  std::string folder;
  bool unified = true;  ///< of the hierarchy of version 2; otherwise of the controller's own
};

/// This process's groups and those around them, of the unified hierarchy and of this controller's ("memory"). Tests
/// have the files elsewhere.
std::vector<ControlGroup> control_groups(std::string_view controller,
                                         const std::string& memberships = "/proc/self/cgroup",
                                         const std::string& mounts = "/sys/fs/cgroup");

}  // namespace hre
