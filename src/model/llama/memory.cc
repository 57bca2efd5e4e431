#include "model/llama/memory.h"

#include <fmt/format.h>

#include <algorithm>
#include <fstream>
#include <numeric>
#include <string>
#include <vector>

#include "core/control_groups.h"
#include "model/llama/fast/weight_stream.h"
#include "model/llama/passes.h"

namespace hre {
namespace {

// Tokens per chunk if the engine stores logits, limited by the room that the logits take.
constexpr int64_t kLogitsBytes = 64 << 20;
constexpr int64_t kSmallestLogitsChunk = 64, kLargestLogitsChunk = 512;
// The share of the weights' size that the cache may take, and the bytes that it may take in addition.
constexpr double kCacheShare = 0.1;
constexpr double kCacheBytes = 100e6;
constexpr double kComputeShare = 0.05;
constexpr double kComputeBytes = 50e6;
constexpr int64_t kFewestTokens = 1024, kMostTokens = PassRules().most_positions, kLargestChunk = 2048;
constexpr int64_t kFewestStreamed = 128;

uint64_t positive(int64_t value) { return value > 0 ? static_cast<uint64_t>(value) : 0; }

/// Four times the bytes of a cached value, which is a whole number for every type.
uint64_t quarter_bytes(CacheType type) {
  switch (type) {
    case CacheType::kF16:
      return 8;
    case CacheType::kQ8_0:
      return 5;  // 34 bytes for 32 values
    case CacheType::kF32:
      break;
  }
  return 16;
}

int64_t tokens_within(double room, uint64_t bytes_a_token, int64_t fewest, int64_t most) {
  const double tokens = room / static_cast<double>(std::max<uint64_t>(1, bytes_a_token));
  return static_cast<int64_t>(std::clamp(tokens, static_cast<double>(fewest), static_cast<double>(most)));
}

int64_t vocabulary_of(const ModelFiles& files) {
  const GgufTensor* embedding = files.tensor("token_embd.weight");
  return embedding != nullptr && embedding->shape.size() > 1 ? embedding->shape[1] : 0;
}

/// The widest activations of a chunk, and the keys and values that hre's attention packs for a pass. Also logits and a
/// layer's attention weights, if the engine computes those. All are float32 and counted twice.
uint64_t compute_bytes(const ModelFiles& files, const ComputationRules& rules, uint64_t tokens) {
  const GgufHeader& header = files.main();
  const uint64_t width = positive(header.of_layer("embedding_length", 0, 0));
  const uint64_t heads = positive(header.of_layer("attention.head_count", 0, 1));
  const auto chunk = static_cast<uint64_t>(rules.chunk);
  const uint64_t activations = chunk * chunk_bytes_a_token(files);
  const uint64_t logits =
      rules.reduces_output ? 0 : 2 * std::min<uint64_t>(kLogitsBytes, 4 * chunk * positive(vocabulary_of(files)));
  const uint64_t attention = rules.fast.attention ? 2 * 4 * tokens * width : 2 * 4 * chunk * heads * tokens;
  return activations + logits + attention;
}

std::optional<uint64_t> number_in(const std::string& path, const std::string& after) {
  std::ifstream file(path);
  std::string word;
  while (file && !after.empty() && word != after) file >> word;
  uint64_t number = 0;
  return file >> number ? std::optional(number) : std::nullopt;
}

}  // namespace

uint64_t cache_bytes_a_token(const ModelFiles& files, CacheType type) {
  const GgufHeader& header = files.main();
  // A header may state any number, but there can't be more layers than tensors.
  uint64_t n_tensors = 0;
  for (const GgufHeader& part : files.headers) n_tensors += part.tensors.size();
  const uint64_t layers = std::min(positive(header.of_layer("block_count", 0, 0)), n_tensors);
  const uint64_t width = positive(header.of_layer("embedding_length", 0, 0));
  const uint64_t heads = std::max<uint64_t>(1, positive(header.of_layer("attention.head_count", 0, 1)));
  uint64_t values = 0;
  for (uint64_t layer = 0; layer < layers; ++layer) {
    const auto l = static_cast<int64_t>(layer);
    const auto cached = positive(header.of_layer("attention.head_count_kv", l, static_cast<int64_t>(heads)));
    const uint64_t key = positive(header.of_layer("attention.key_length", l, static_cast<int64_t>(width / heads)));
    const uint64_t value = positive(header.of_layer("attention.value_length", l, static_cast<int64_t>(width / heads)));
    values += cached * (key + value);
  }
  return values * quarter_bytes(type) / 4;
}

int64_t pass_tokens(uint64_t weights, uint64_t cache_bytes_a_token) {
  return tokens_within(kCacheShare * static_cast<double>(weights) + kCacheBytes, cache_bytes_a_token, kFewestTokens,
                       kMostTokens);
}

uint64_t chunk_bytes_a_token(const ModelFiles& files) {
  const GgufHeader& header = files.main();
  const uint64_t inner = positive(header.of_layer("feed_forward_length", 0, 0));
  return 2 * 4 * (inner + 4 * positive(header.of_layer("embedding_length", 0, 0)));
}

int64_t chunk_tokens(const ModelFiles& files, const ComputationRules& rules) {
  if (!rules.reduces_output) return logits_chunk(vocabulary_of(files));
  return std::min(rules.passes.most_positions, chunk_tokens(files.tensor_bytes(), chunk_bytes_a_token(files)));
}

int64_t logits_chunk(int64_t n_vocab) {
  const int64_t fits = kLogitsBytes / (4 * std::max<int64_t>(1, n_vocab)) / 32 * 32;
  return std::clamp(fits, kSmallestLogitsChunk, kLargestLogitsChunk);
}

int64_t chunk_tokens(uint64_t weights, uint64_t chunk_bytes_a_token) {
  return tokens_within(kComputeShare * static_cast<double>(weights) + kComputeBytes, chunk_bytes_a_token, kFewestTokens,
                       kLargestChunk);
}

MemoryNeeds memory_needs(const ModelFiles& files, const ComputationRules& rules) {
  const auto tokens = static_cast<uint64_t>(rules.passes.most_positions);
  return {files.tensor_bytes(), tokens * cache_bytes_a_token(files, rules.cache_type),
          compute_bytes(files, rules, tokens)};
}

Result<StreamRoom> room_to_stream(const ModelFiles& files, const EngineOptions& options,
                                  std::optional<uint64_t> available, const std::string& path) {
  std::vector<std::string> names;
  std::vector<uint64_t> bytes;
  for (const GgufHeader& part : files.headers) {
    for (const GgufTensor& tensor : part.tensors) names.push_back(tensor.name), bytes.push_back(tensor.bytes);
  }
  std::vector<uint64_t> stages;
  for (const std::vector<size_t>& stage : fast::stages_of(names)) {
    stages.push_back(std::accumulate(stage.begin(), stage.end(), uint64_t{0},
                                     [&](uint64_t sum, size_t tensor) { return sum + bytes[tensor]; }));
  }
  if (stages.size() < 2) {
    return input_error("has no layers that could be streamed", path, "encoder-decoder models can't be streamed");
  }
  StreamRoom room{0, kMostTokens};
  for (size_t i = 0; i < stages.size(); ++i) {
    room.weights = std::max(room.weights, stages[i] + stages[(i + 1) % stages.size()]);
  }
  if (!available) return room;
  // Leave half of the memory to the rest of the process (mainly the vocabulary) and to the system.
  const uint64_t a_token = cache_bytes_a_token(files, options.cache_type) + chunk_bytes_a_token(files);
  const uint64_t free = *available / 2;
  room.tokens = static_cast<int64_t>(free > room.weights ? (free - room.weights) / std::max<uint64_t>(1, a_token) : 0);
  room.tokens = std::min(room.tokens, kMostTokens);
  if (room.tokens >= kFewestStreamed) return room;
  return input_error(
      fmt::format("needs about {} of memory even layer by layer, but {} is free",
                  format_bytes(2 * (room.weights + kFewestStreamed * a_token)), format_bytes(*available)),
      path, "use a file of a smaller type, such as Q8_0 or Q4_K_M");
}

std::optional<uint64_t> available_memory() {
  auto available = number_in("/proc/meminfo", "MemAvailable:");
  if (!available) return {};
  *available *= 1024;
  for (const auto& [folder, unified] : control_groups("memory")) {
    const auto limit = number_in(folder + (unified ? "/memory.max" : "/memory.limit_in_bytes"), "");
    const auto used = number_in(folder + (unified ? "/memory.current" : "/memory.usage_in_bytes"), "");
    if (!limit || !used) continue;
    // Cached files count as used memory, but the system drops them when memory is needed.
    const uint64_t kept = number_in(folder + "/memory.stat", unified ? "file" : "total_cache").value_or(0);
    const uint64_t taken = *used > kept ? *used - kept : 0;
    *available = std::min(*available, *limit > taken ? *limit - taken : 0);
  }
  return available;
}

std::string format_bytes(uint64_t bytes) {
  if (bytes >= 1000000000) return fmt::format("{:.3g} GB", static_cast<double>(bytes) / 1e9);
  if (bytes >= 1000000) return fmt::format("{:.3g} MB", static_cast<double>(bytes) / 1e6);
  return fmt::format("{:.3g} kB", static_cast<double>(bytes) / 1e3);
}

}  // namespace hre
