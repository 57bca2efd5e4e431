#pragma once
/// Names of runs.

#include <string>

#include "hre/run.h"
#include "store/sqlite.h"

namespace hre::store {

/// The name for the run of this key, inside the caller's transaction: `wanted`, else the name that it has, else a name
/// made from model and dataset, with a number if another run has that name. Input errors for names that look like other
/// ways to refer to a run, and for another run's name.
Result<std::string> choose_name(Database& database, const std::string& key, const Run& run, const std::string& wanted);

/// The name that the run of this key has; otherwise `base`, with a number if another run has that name.
std::string free_name(Database& database, const std::string& key, const std::string& base);

/// Checks a name for the run of this key; input errors as above.
Status check_new_name(Database& database, const std::string& key, const std::string& name);

}  // namespace hre::store
