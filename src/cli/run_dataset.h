#pragma once
/// The dataset of a run, for commands that show its texts.

#include <optional>
#include <string>

#include "hre/dataset.h"
#include "hre/progress.h"
#include "hre/run.h"

namespace hre::cli {

/// From `data` (--data), which must be the run's dataset, or, where that is empty, from where the run found it. A
/// dataset that is gone or has changed there is no failure: it is noted, and there is none.
Result<std::optional<Dataset>> dataset_of_run(const std::string& data, const Run& run, ProgressListener& progress);

}  // namespace hre::cli
