#pragma once
/// Runs to and from the reference implementation's cache, which has neither questions nor votes of its own.

#include <string>

#include "hre/question.h"
#include "hre/run.h"

namespace hre {

/// The run that a cache holds of this dataset, for its own prompt (the published one). Questions of which an answer is
/// missing are left out, and make the run partial. Input errors where no question is there.
/// The tokens' numbers are not known: 0.
Result<Run> run_of_reference_cache(const Dataset& dataset, const std::string& path, const std::string& model_name);

/// Writes a cache in which the reference implementation finds this run's answers. Input errors where the run is of
/// another dataset.
Status write_run_as_reference_cache(const Run& run, const Dataset& dataset, const std::string& path);

}  // namespace hre
