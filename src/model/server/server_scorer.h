#pragma once
/// A model behind inference servers.

#include <memory>
#include <string>

#include "hre/scorer.h"

namespace hre {

/// Opens server:URL[,...]: finds out what kind the servers are, and whether they can score a given text. If one of
/// several servers fails, it is left out, with a note.
Result<std::unique_ptr<Scorer>> open_server(const std::string& source, const ModelOptions& options);

}  // namespace hre
