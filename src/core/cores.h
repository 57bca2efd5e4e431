#pragma once
/// How many threads hre should start.

#include "core/control_groups.h"

namespace hre {

/// The number of cores that this process may use: those allowed by its affinity (taskset, mpirun, Slurm) and its
/// cpuset, or fewer if a control group (a container's limit) grants less processor time. At least 1.
int usable_cores();

/// The number of cores' worth of time that a control group grants; 0: no limit.
double time_limit(const ControlGroup& group);

}  // namespace hre
