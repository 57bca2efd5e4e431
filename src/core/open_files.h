#pragma once

#include <cstddef>

namespace hre {

/// Raises this process's limit of open files as far as the system allows, and returns the limit.
size_t allow_many_files();

}  // namespace hre
