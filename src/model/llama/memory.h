#pragma once
/// What memory a model needs to score, estimated from its header, and what a machine has.

#include <optional>

#include "hre/engine_options.h"
#include "model/llama/computation.h"
#include "model/llama/model_files.h"

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

/// Bytes that a token of a chunk takes while it is computed.
uint64_t chunk_bytes_a_token(const ModelFiles& files);

/// Tokens computed at once. Where the output layer is reduced there are no logits to keep room for, and as many are
/// taken as stay small beside the weights, between 1,024 and 2,048 but no more than a pass holds: the more there are,
/// the less it counts that weights are packed for them.
int64_t chunk_tokens(const ModelFiles& files, const ComputationRules& rules);
/// The part of that which is small beside the weights.
int64_t chunk_tokens(uint64_t weights, uint64_t chunk_bytes_a_token);

/// Tokens computed at once where their logits are kept.
int64_t logits_chunk(int64_t n_vocab);

/// Of one process and no device, for rules that are complete but for `stream`.
MemoryNeeds memory_needs(const ModelFiles& files, const ComputationRules& rules);

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

/// "1.5 GB"
std::string format_bytes(uint64_t bytes);

}  // namespace hre
