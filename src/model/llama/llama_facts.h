#pragma once
/// Facts about a GGUF model, for `hre model show`.

#include "model/inspect.h"

namespace hre {

/// Loads the vocabulary and hashes the files, but does not load the weights.
Result<ModelFacts> llama_facts(const std::string& path, const EngineOptions& options, const std::string& source);

}  // namespace hre
