#pragma once
/// --where and --metadata, wherever a command takes them (eval/where.h).

#include <string>
#include <vector>

namespace CLI {
class App;
}

namespace hre::cli {

/// Adds the two options.
void define_where(CLI::App& app, std::vector<std::string>& where, std::string& metadata);

}  // namespace hre::cli
