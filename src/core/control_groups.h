#pragma once
/// Linux's control groups, whose limits hre treats as the machine's own.

#include <string>
#include <string_view>
#include <vector>

namespace hre {

/// A folder of /sys/fs/cgroup.
struct ControlGroup {
  std::string folder;
  bool unified = true;  ///< in the unified hierarchy (version 2), not the controller's own
};

/// This process's control groups and their ancestors, in the unified hierarchy and in this controller's ("memory").
/// Tests pass other folders.
std::vector<ControlGroup> control_groups(std::string_view controller,
                                         const std::string& memberships = "/proc/self/cgroup",
                                         const std::string& mounts = "/sys/fs/cgroup");

}  // namespace hre
