#include "model/llama/memory.h"

#include <fmt/format.h>

#include <algorithm>
#include <fstream>

namespace hre {
namespace {

constexpr uint64_t kPositions = 4096;  // tokens of a pass
constexpr uint64_t kChunk = 512;       // tokens computed at once

uint64_t positive(int64_t value) { return value > 0 ? static_cast<uint64_t>(value) : 0; }

/// Bytes of a cached value, times 4.
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

uint64_t cache_bytes(const GgufHeader& header, uint64_t layers, CacheType type) {
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
  return kPositions * values * quarter_bytes(type) / 4;
}

/// Logits, attention weights of one layer and the widest activations of a chunk, all float32, the latter twice.
uint64_t compute_bytes(const GgufHeader& header, const GgufTensor* embedding) {
  const uint64_t vocabulary = embedding != nullptr && embedding->shape.size() > 1 ? positive(embedding->shape[1]) : 0;
  const uint64_t heads = positive(header.of_layer("attention.head_count", 0, 1));
  const uint64_t inner = positive(header.of_layer("feed_forward_length", 0, 0));
  const uint64_t width = positive(header.of_layer("embedding_length", 0, 0));
  const uint64_t logits = std::min<uint64_t>(64 << 20, 4 * kChunk * vocabulary);
  return 2 * logits + 2 * 4 * kChunk * (heads * kPositions + inner + 4 * width);
}

std::optional<uint64_t> number_in(const char* path, const std::string& after) {
  std::ifstream file(path);
  std::string word;
  while (file && !after.empty() && word != after) file >> word;
  uint64_t number = 0;
  return file >> number ? std::optional(number) : std::nullopt;
}

}  // namespace

MemoryNeeds memory_needs(const ModelFiles& files, const EngineOptions& options) {
  const GgufHeader& header = files.main();
  // A header may say anything; more layers than tensors there are not.
  uint64_t n_tensors = 0;
  for (const GgufHeader& part : files.headers) n_tensors += part.tensors.size();
  const uint64_t layers = std::min(positive(header.of_layer("block_count", 0, 0)), n_tensors);
  return {files.tensor_bytes(), cache_bytes(header, layers, options.cache_type),
          compute_bytes(header, header.tensor("token_embd.weight"))};
}

std::optional<uint64_t> available_memory() {
  auto available = number_in("/proc/meminfo", "MemAvailable:");
  if (!available) return {};
  *available *= 1024;
  const auto limit = number_in("/sys/fs/cgroup/memory.max", ""), used = number_in("/sys/fs/cgroup/memory.current", "");
  if (limit && used) *available = std::min(*available, *limit > *used ? *limit - *used : 0);
  return available;
}

std::string format_bytes(uint64_t bytes) {
  if (bytes >= 1000000000) return fmt::format("{:.3g} GB", static_cast<double>(bytes) / 1e9);
  if (bytes >= 1000000) return fmt::format("{:.3g} MB", static_cast<double>(bytes) / 1e6);
  return fmt::format("{:.3g} kB", static_cast<double>(bytes) / 1e3);
}

Status check_memory(const MemoryNeeds& needs, std::optional<uint64_t> available, const EngineOptions& options,
                    const std::string& path) {
  if (!available || needs.total() <= *available) return {};
  MemoryNeeds smaller = needs;
  smaller.cache = needs.cache * quarter_bytes(CacheType::kF16) / quarter_bytes(options.cache_type);
  const bool cache_helps = options.cache_type == CacheType::kF32 && smaller.total() <= *available;
  return input_error(fmt::format("needs about {} of memory ({} weights, {} cache, {} to compute), and {} is free",
                                 format_bytes(needs.total()), format_bytes(needs.weights), format_bytes(needs.cache),
                                 format_bytes(needs.compute), format_bytes(*available)),
                     path,
                     cache_helps
                         ? fmt::format("--kv-type f16 needs about {}", format_bytes(smaller.total()))
                         : "take a file of a smaller type, such as Q8_0 or Q4_K_M, or a machine with more memory");
}

}  // namespace hre
