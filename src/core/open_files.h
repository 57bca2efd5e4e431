#pragma once

namespace hre {

/// Raises this process's limit of open files as far as the system allows: each topic of a dataset is one file.
void allow_many_files();

}  // namespace hre
