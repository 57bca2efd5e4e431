#pragma once
/// Progress on standard error: one line that is redrawn on a terminal, plain lines otherwise.

#include <memory>

#include "cli/command.h"
#include "hre/progress.h"

namespace hre::cli {

std::unique_ptr<ProgressListener> make_progress(Console& console, bool quiet);

}  // namespace hre::cli
