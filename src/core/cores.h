#pragma once
/// How many threads are worth starting.

#include "core/control_groups.h"

namespace hre {

/// The cores that this process may use: those that it may run on by its affinity (taskset, mpirun, Slurm) and its
/// cpuset, or fewer where a control group (a container's limit) gives it less of their time. At least 1.
int usable_cores();

/// The cores' worth of time that a control group gives; 0: no limit.
double time_limit(const ControlGroup& group);

}  // namespace hre
