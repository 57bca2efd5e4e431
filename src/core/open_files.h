#pragma once

namespace hre {

/// Lets this process have as many files open as the system allows it to ask for: a dataset's topics are a file each.
void allow_many_files();

}  // namespace hre
