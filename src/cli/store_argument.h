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

/// store_path() for commands that keep what they score: where there is no place for a store and none was refused, it is
/// said to `err` that nothing is kept.
std::string store_to_keep(const std::string& given, std::ostream& err);

/// store_path() for commands that need a store which is there.
Result<std::string> existing_store(const std::string& given);

}  // namespace hre::cli
