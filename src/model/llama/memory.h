#pragma once
/// What memory a model needs to score, estimated from its header, and what a machine has.

#include <optional>

#include "hre/engine_options.h"
#include "model/llama/describe.h"

namespace hre {

/// Bytes. Estimates: weights are exact, the cache holds a pass of 4,096 tokens, computing takes buffers of about this
/// size.
struct MemoryNeeds {
  uint64_t weights = 0, cache = 0, compute = 0;

  [[nodiscard]] uint64_t total() const { return weights + cache + compute; }
};

MemoryNeeds memory_needs(const ModelFiles& files, const EngineOptions& options);

/// Bytes that may be used: of the machine or of this process's control group; nothing where the system doesn't say.
std::optional<uint64_t> available_memory();

/// An input error where the needs exceed what there is: how much is needed, how much there is, which option helps.
Status check_memory(const MemoryNeeds& needs, std::optional<uint64_t> available, const EngineOptions& options,
                    const std::string& path);

/// "1.5 GB"
std::string format_bytes(uint64_t bytes);

}  // namespace hre
