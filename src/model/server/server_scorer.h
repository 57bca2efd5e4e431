#pragma once
/// A model behind inference servers.

#include <memory>
#include <string>

#include "hre/scorer.h"

namespace hre {

/// Opens server:URL[,...]: finds out what the servers are, and that they score a given text. A server of several that
/// fails is left out, with a note.
Result<std::unique_ptr<Scorer>> open_server(const std::string& source, const ModelOptions& options);

}  // namespace hre
