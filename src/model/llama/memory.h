#pragma once
/// What memory a model needs to score, estimated from its header, and what a machine has.

#include <optional>

#include "hre/engine_options.h"
#include "model/llama/describe.h"

namespace hre {

/// Bytes. Estimates: weights are exact, the cache holds the tokens of a pass, computing takes buffers of about this
/// size.
struct MemoryNeeds {
  uint64_t weights = 0, cache = 0, compute = 0;

  [[nodiscard]] uint64_t total() const { return weights + cache + compute; }
};

/// Bytes that a cached token takes, in all layers.
uint64_t cache_bytes_a_token(const ModelFiles& files, CacheType type);

/// Tokens that a pass may hold so that the cache stays small beside the weights: between 1,024 and 4,096.
int64_t pass_tokens(uint64_t weights, uint64_t cache_bytes_a_token);

/// Bytes that a token of a chunk takes while it is computed by hre's own kernels.
uint64_t chunk_bytes_a_token(const ModelFiles& files);

/// Tokens computed at once where there are no logits to keep room for: as many as stay small beside the weights,
/// between 1,024 and 2,048. The more there are, the less it counts that weights are packed for them.
int64_t chunk_tokens(uint64_t weights, uint64_t chunk_bytes_a_token);

/// `own_kernels`: hre computes attention and reduces the output layer, so there is no room for masked-out scores and
/// logits.
MemoryNeeds memory_needs(const ModelFiles& files, const EngineOptions& options, bool own_kernels);

/// How weights are streamed through the memory there is.
struct StreamRoom {
  uint64_t weights = 0;  ///< bytes of a stage of the model and the next, at most
  int64_t tokens = 0;    ///< computed at once
};

/// An input error where the memory does not suffice even so.
Result<StreamRoom> room_to_stream(const ModelFiles& files, const EngineOptions& options,
                                  std::optional<uint64_t> available, const std::string& path);

/// Bytes that may be used: of the machine or of this process's control group; nothing where the system doesn't say.
std::optional<uint64_t> available_memory();

/// An input error where the needs exceed what there is: how much is needed, how much there is, which option helps.
Status check_memory(const MemoryNeeds& needs, std::optional<uint64_t> available, const EngineOptions& options,
                    const std::string& path);

/// "1.5 GB"
std::string format_bytes(uint64_t bytes);

}  // namespace hre
