#pragma once
/// --store, for every command that has it.

#include <string>

#include "hre/result.h"

namespace CLI {
class App;
}

namespace hre::cli {

/// Adds --store FILE.
void add_store_option(CLI::App& app, std::string& store);

/// The store that is meant: what was given, else HRE_STORE, else $XDG_STATE_HOME/hre/runs.db (its folder is made).
/// Empty for "none", and where there is no place for one.
std::string store_path(const std::string& given);

/// Whether no store is wanted: "none" was given, or stands in HRE_STORE.
bool store_was_refused(const std::string& given);

/// The same, for commands that need one.
Result<std::string> existing_store(const std::string& given);

}  // namespace hre::cli
