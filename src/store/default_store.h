#pragma once
/// Which store is meant.

#include <string>

namespace hre {

/// What was given, else what HRE_STORE says; "none" means no store, empty the user's own.
std::string chosen_store(const std::string& given);

/// The file of the store that is meant: what was given, else HRE_STORE, else $XDG_STATE_HOME/hre/runs.db (its folder is
/// made). Empty for "none", given or in HRE_STORE, and where there is no place for a store.
std::string store_path(const std::string& given);

}  // namespace hre
