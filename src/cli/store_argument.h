#pragma once
/// --store, for every command that has it.

#include <iosfwd>
#include <string>

#include "hre/result.h"

namespace CLI {
class App;
}

namespace hre::cli {

/// Adds --store FILE.
void add_store_option(CLI::App& app, std::string& store);

/// The store that is meant: what was given, else HRE_STORE, else $XDG_STATE_HOME/hre/runs.db (its folder is made).
/// Empty for "none", given or in HRE_STORE, and where there is no place for one.
std::string store_path(const std::string& given);

/// The same for commands that keep what they score: where there is no place for a store and none was refused, it is
/// said to `err` that nothing is kept.
std::string store_to_keep(const std::string& given, std::ostream& err);

/// The same for commands that need a store which is there.
Result<std::string> existing_store(const std::string& given);

}  // namespace hre::cli
