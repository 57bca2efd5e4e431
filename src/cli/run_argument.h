#pragma once
/// RUN, wherever a command takes one.

#include <string>
#include <vector>

#include "hre/run.h"

namespace hre::cli {

/// The run that RUN names: a JSON file (hre-run/1 with details).
Result<Run> load_run(const std::string& argument);

/// All runs of all arguments, in their order; a file that holds several gives several.
Result<std::vector<Run>> load_runs(const std::vector<std::string>& arguments);

}  // namespace hre::cli
