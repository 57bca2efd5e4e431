#pragma once
/// The memory that scoring needs, estimated from a model's header, and the memory that a machine has.

#include <optional>

#include "hre/engine_options.h"
#include "model/llama/computation.h"
#include "model/llama/model_files.h"

namespace hre {

/// In bytes. These are estimates: weights are exact, the cache holds the tokens of a pass, and the compute buffers have
/// about this size.
struct MemoryNeeds {
  uint64_t weights = 0, cache = 0, compute = 0;

  [[nodiscard]] uint64_t total() const { return weights + cache + compute; }
};

/// Bytes that a cached token takes in all layers together.
uint64_t cache_bytes_a_token(const ModelFiles& files, CacheType type);

/// Tokens per pass, so that the cache stays small compared with the weights: between 1,024 and 4,096.
int64_t pass_tokens(uint64_t weights, uint64_t cache_bytes_a_token);

/// Bytes that each token of a chunk takes while the chunk is computed.
uint64_t chunk_bytes_a_token(const ModelFiles& files);

/// Tokens per chunk. If the output layer is reduced, no room for logits is needed, and the chunk is as large as stays
/// small compared with the weights: between 1,024 and 2,048 tokens, but at most a pass. A larger chunk spreads the cost
/// of packing weights over more tokens.
int64_t chunk_tokens(const ModelFiles& files, const ComputationRules& rules);
/// Tokens per chunk, so that its buffers stay small compared with the weights.
int64_t chunk_tokens(uint64_t weights, uint64_t chunk_bytes_a_token);

/// Tokens per chunk if logits are stored.
int64_t logits_chunk(int64_t n_vocab);

/// The needs of one process without devices, for rules that are complete except for `stream`.
MemoryNeeds memory_needs(const ModelFiles& files, const ComputationRules& rules);

/// How weights are streamed through the available memory.
struct StreamRoom {
  uint64_t weights = 0;  ///< the largest sum of a stage and the next one, in bytes
  int64_t tokens = 0;    ///< computed at once
};

/// An input error if even streaming needs more memory.
Result<StreamRoom> room_to_stream(const ModelFiles& files, const EngineOptions& options,
                                  std::optional<uint64_t> available, const std::string& path);

/// Available bytes, of the machine or of this process's control group; nothing if the system doesn't say.
std::optional<uint64_t> available_memory();

/// "1.5 GB"
std::string format_bytes(uint64_t bytes);

}  // namespace hre
