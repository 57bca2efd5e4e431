#pragma once
/// Options of commands whose MODEL may be behind inference servers.

#include "hre/scorer.h"

namespace CLI {
class App;
}

namespace hre::cli {

void define_server(CLI::App& app, ServerOptions& options);

}  // namespace hre::cli
