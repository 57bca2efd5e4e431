#pragma once
/// Names of runs.

#include <string>

#include "hre/run.h"
#include "store/sqlite.h"

namespace hre::store {

/// The name for the run of this key, inside the caller's transaction: `wanted`, else the one that it has, else one made
/// of model and dataset, with a number where another run has that. Input errors for names that can't be told from other
/// ways to name a run, and for another run's name.
Result<std::string> choose_name(Database& database, const std::string& key, const Run& run, const std::string& wanted);

/// The name that the run of this key has; else `base`, with a number where another run has that.
std::string free_name(Database& database, const std::string& key, const std::string& base);

/// Input errors as above, for the run of this key.
Status check_new_name(Database& database, const std::string& key, const std::string& name);

}  // namespace hre::store
