#pragma once
/// hre bench: how fast models are scored on this machine.

#include "cli/command.h"

namespace hre::cli {

Action define_bench(CLI::App& app);

}  // namespace hre::cli
