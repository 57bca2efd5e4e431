#pragma once
/// How many threads are worth starting.

namespace hre {

/// The cores that this process may use: those that it may run on, or fewer where a control group (a container's limit)
/// gives it less of their time. At least 1.
int usable_cores();

}  // namespace hre
