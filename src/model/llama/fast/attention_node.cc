#include "model/llama/fast/attention_node.h"

#include <algorithm>
#include <atomic>
#include <cmath>
#include <cstring>
#include <limits>
#include <memory>
#include <vector>

#include "model/llama/fast/kernels.h"

// All threads of the graph compute a node together, in three steps with barriers between them:
//
//   read    the mask, once per graph: how much of each block of keys does each block of queries see?
//   pack    visible blocks of keys as [d_k x 64] and of values as [64 x padded d_v], once for all queries
//   attend  for each block of 48 queries and each head: its visible blocks of keys in order, with a running softmax
//
//                prefix    answer 1   answer 2      keys; blocks start anew at each part
//   prefix       # # /        .          .
//   answer 1     # # #        /          .          # all is seen   / some is seen   . nothing is seen: skipped
//   answer 2     # # #        .          /
//
// A query sees only blocks of the prefix and of its own answer, each always cut in the same way. So its bits do not
// depend on the answers and questions beside it.

namespace hre::fast {
namespace {

constexpr float kMinusInfinity = -std::numeric_limits<float>::infinity();
constexpr int64_t kWidestVector = 16;

int64_t blocks_of(int64_t n, int64_t size) { return (n + size - 1) / size; }

/// How much of a block of keys a block of queries sees.
enum class Sight : uint8_t { kNothing, kSome, kAll };

/// A block of keys; the last block of a part, and of all keys, may be shorter.
struct KeyBlock {
  int64_t first = 0, n = 0;
};

std::vector<KeyBlock> cut_keys(const AttentionNode& attention) {
  std::vector<KeyBlock> blocks;
  const auto cut = [&](int64_t first, int64_t last) {
    for (int64_t key = first; key < last; key += kBlockKeys) {
      blocks.push_back({key, std::min<int64_t>(kBlockKeys, last - key)});
    }
  };
  const std::span<const int64_t> starts = attention.starts;
  if (starts.empty()) cut(0, attention.k.rows);
  for (size_t i = 0; i < starts.size() && starts[i] < attention.k.rows; ++i) {
    cut(starts[i], i + 1 < starts.size() ? std::min(starts[i + 1], attention.k.rows) : attention.k.rows);
  }
  return blocks;
}

/// A mask, read once for all layers that share it.
struct ReadMask {
  const uint16_t* from = nullptr;
  int64_t rows = 0, keys = 0;  ///< of the attention for which it was read
  int64_t query_blocks = 0;
  std::vector<KeyBlock> key_blocks;
  std::vector<Sight> sights;      ///< [query blocks x key blocks]
  Room masks;                     ///< one BlockMask for each kSome
  std::atomic<int64_t> seen = 0;  ///< number of pairs of a query and a key

  [[nodiscard]] size_t index(int64_t query_block, size_t key_block) const {
    return static_cast<size_t>(query_block) * key_blocks.size() + key_block;
  }
  BlockMask& mask(size_t index) { return static_cast<BlockMask*>(masks.bytes(0))[index]; }
  bool is_of(const AttentionNode& attention) const {
    return from == attention.mask && rows == attention.q.rows && keys == attention.k.rows;
  }
};

/// Shared by the threads at a node: the mask, and keys and values in blocks. Only one graph is computed at a time.
struct Shared {
  TaskQueue packing, masking, attending;
  std::vector<std::unique_ptr<ReadMask>> read;  ///< the first n_read belong to the current graph
  size_t n_read = 0, mask = 0;
  bool is_new = false;                 ///< the mask has not been read yet
  Room keys;                           ///< [heads x blocks x d_k x kBlockKeys]
  Room values;                         ///< [heads x blocks x kBlockKeys x padded d_v]
  std::vector<uint8_t> finite_values;  ///< [heads x blocks]
};
Shared shared;

/// Buffers of each thread.
struct Rooms {
  Room queries, scores, sums;
};
thread_local Rooms rooms;

/// Finds the mask's blocks, or makes room for them, and makes room for keys and values.
void prepare(const AttentionNode& attention, int64_t d_v) {
  shared.mask = 0;
  while (shared.mask < shared.n_read && !shared.read[shared.mask]->is_of(attention)) ++shared.mask;
  shared.is_new = shared.mask == shared.n_read;
  if (shared.is_new) {
    if (shared.n_read == shared.read.size()) shared.read.push_back(std::make_unique<ReadMask>());
    ReadMask& mask = *shared.read[shared.n_read++];
    mask.from = attention.mask;
    mask.rows = attention.q.rows;
    mask.keys = attention.k.rows;
    mask.query_blocks = blocks_of(attention.q.rows, kBlockRows);
    mask.key_blocks = cut_keys(attention);
    mask.sights.resize(static_cast<size_t>(mask.query_blocks) * mask.key_blocks.size());
    mask.masks.bytes(mask.sights.size() * sizeof(BlockMask));
    mask.seen = 0;
  }
  const auto blocks = static_cast<int64_t>(shared.read[shared.mask]->key_blocks.size());
  shared.keys.floats(static_cast<size_t>(attention.k.heads * blocks * attention.k.width * kBlockKeys));
  shared.values.floats(static_cast<size_t>(attention.v.heads * blocks * d_v * kBlockKeys));
  shared.finite_values.resize(static_cast<size_t>(attention.v.heads * blocks));
}

float* keys_of(const AttentionNode& attention, size_t blocks, int64_t head, size_t block) {
  return shared.keys.floats(0) +
         (static_cast<size_t>(head) * blocks + block) * static_cast<size_t>(attention.k.width * kBlockKeys);
}

float* values_of(int64_t d_v, size_t blocks, int64_t head, size_t block) {
  return shared.values.floats(0) + (static_cast<size_t>(head) * blocks + block) * static_cast<size_t>(d_v * kBlockKeys);
}

/// Packs a block of a head's keys, transposed; keys beyond the last become zeros.
void pack_keys(const Heads& keys, int64_t head, const KeyBlock& block, float* to) {
  if (block.n < kBlockKeys) std::fill_n(to, keys.width * kBlockKeys, 0.0F);
  for (int64_t d = 0; d < keys.width; d += 16) {  // one cache line of each key at a time
    for (int64_t key = 0; key < block.n; ++key) {
      const float* from = keys.at(block.first + key, head);
      for (int64_t i = d; i < std::min(d + 16, keys.width); ++i) to[i * kBlockKeys + key] = from[i];
    }
  }
}

/// Packs a block of a head's values. Returns whether all values are finite.
bool pack_values(const Heads& values, int64_t d_v, int64_t head, const KeyBlock& block, float* to) {
  if (block.n < kBlockKeys || d_v != values.width) std::fill_n(to, d_v * kBlockKeys, 0.0F);
  for (int64_t key = 0; key < block.n; ++key) {
    std::memcpy(to + key * d_v, values.at(block.first + key, head), static_cast<size_t>(values.width) * sizeof(float));
  }
  uint32_t largest = 0;  // largest magnitude as bits, which order as the magnitudes do
  for (int64_t i = 0; i < block.n * d_v; ++i) {
    uint32_t bits = 0;
    std::memcpy(&bits, to + i, sizeof bits);
    largest = std::max(largest, bits & 0x7fffffff);
  }
  return largest < 0x7f800000;
}

/// Converts IEEE half precision to single precision.
float widened(uint16_t half) {
  const uint32_t sign = static_cast<uint32_t>(half & 0x8000) << 16, exponent = (half >> 10) & 31,
                 fraction = half & 1023;
  if (exponent == 0) return std::copysign(std::ldexp(static_cast<float>(fraction), -24), sign != 0 ? -1.0F : 1.0F);
  const uint32_t bits =
      exponent == 31 ? sign | 0x7f800000 | fraction << 13 : sign | (exponent + 112) << 23 | fraction << 13;
  float value = 0;
  std::memcpy(&value, &bits, sizeof value);
  return value;
}

constexpr uint16_t kHalfMinusInfinity = 0xfc00;

/// Writes a block of the mask as float32, and the range of keys that each tile sees.
void write_mask(const AttentionNode& attention, int64_t first_row, const KeyBlock& block, BlockMask& to) {
  const int64_t n_rows = std::min<int64_t>(kBlockRows, attention.q.rows - first_row);
  std::fill_n(to.values, kBlockRows * kBlockKeys, kMinusInfinity);
  std::fill_n(to.tiles, kBlockRows / kTileRows, BlockMask::Keys{});
  for (int64_t row = 0; row < n_rows; ++row) {
    BlockMask::Keys& seen = to.tiles[row / kTileRows];
    for (int64_t key = 0; key < block.n; ++key) {
      const uint16_t half =
          attention.mask == nullptr ? 0 : attention.mask[(first_row + row) * attention.mask_stride + block.first + key];
      if (half == kHalfMinusInfinity) continue;
      to.values[row * kBlockKeys + key] = half == 0 ? 0.0F : widened(half);
      if (seen.first == seen.last) seen.first = static_cast<uint8_t>(key);
      seen.first = std::min(seen.first, static_cast<uint8_t>(key));
      seen.last = std::max(seen.last, static_cast<uint8_t>(key + 1));
    }
  }
}

/// Reads a block of the mask and counts the visible pairs. Writes the block only if it hides some pairs but not all.
Sight read_block(const AttentionNode& attention, int64_t first_row, const KeyBlock& block, BlockMask& to,
                 int64_t& seen) {
  const int64_t n_rows = std::min<int64_t>(kBlockRows, attention.q.rows - first_row);
  bool all_hidden = true, all_zero = block.n == kBlockKeys;
  int64_t n_hidden = 0;
  if (attention.mask == nullptr) {
    all_hidden = false;
  } else {
    for (int64_t row = 0; row < n_rows; ++row) {
      const uint16_t* from = attention.mask + (first_row + row) * attention.mask_stride + block.first;
      int hidden = 0;
      unsigned set = 0;
      for (int64_t key = 0; key < block.n; ++key) {
        hidden += from[key] == kHalfMinusInfinity ? 1 : 0;
        set |= from[key];
      }
      n_hidden += hidden;
      all_hidden = all_hidden && hidden == block.n;
      all_zero = all_zero && set == 0;
    }
  }
  seen += n_rows * block.n - n_hidden;
  if (all_hidden) return Sight::kNothing;
  if (all_zero) return Sight::kAll;
  write_mask(attention, first_row, block, to);
  return Sight::kSome;
}

void read(const AttentionNode& attention, ReadMask& mask, const Worker& worker) {
  int64_t seen = 0;
  for (int64_t row; (row = shared.masking.take(worker, mask.query_blocks)) < mask.query_blocks;) {
    for (size_t key = 0; key < mask.key_blocks.size(); ++key) {
      const size_t index = mask.index(row, key);
      mask.sights[index] = read_block(attention, row * kBlockRows, mask.key_blocks[key], mask.mask(index), seen);
    }
  }
  mask.seen += seen;
}

bool is_seen(const ReadMask& mask, size_t key_block) {
  for (int64_t row = 0; row < mask.query_blocks; ++row) {
    if (mask.sights[mask.index(row, key_block)] != Sight::kNothing) return true;
  }
  return false;
}

void pack(const AttentionNode& attention, const ReadMask& mask, int64_t d_v, const Worker& worker) {
  const size_t n = mask.key_blocks.size();
  for (int64_t task; (task = shared.packing.take(worker, static_cast<int64_t>(n))) < static_cast<int64_t>(n);) {
    const auto block = static_cast<size_t>(task);
    if (!is_seen(mask, block)) continue;
    for (int64_t head = 0; head < attention.k.heads; ++head) {
      pack_keys(attention.k, head, mask.key_blocks[block], keys_of(attention, n, head, block));
    }
    for (int64_t head = 0; head < attention.v.heads; ++head) {
      shared.finite_values[static_cast<size_t>(head) * n + block] =
          pack_values(attention.v, d_v, head, mask.key_blocks[block], values_of(d_v, n, head, block)) ? 1 : 0;
    }
  }
}

/// ALiBi's slopes (Press et al.), with heads numbered as in ggml.
float slope_of(const AttentionNode& attention, int64_t head) {
  if (attention.max_bias <= 0) return 1;
  const auto n = static_cast<uint32_t>(attention.q.heads);
  const uint32_t power = 1U << static_cast<uint32_t>(std::floor(std::log2(n)));
  const auto h = static_cast<uint32_t>(head);
  return h < power
             ? std::pow(std::pow(2.0F, -attention.max_bias / static_cast<float>(power)), static_cast<float>(h + 1))
             : std::pow(std::pow(2.0F, -attention.max_bias / 2 / static_cast<float>(power)),
                        static_cast<float>(2 * (h - power) + 1));
}

void copy_queries(const Heads& q, float scale, int64_t first, int64_t head, float* to) {
  const int64_t n = std::min<int64_t>(kBlockRows, q.rows - first);
  for (int64_t row = 0; row < n; ++row) {
    const float* from = q.at(first + row, head);
    for (int64_t i = 0; i < q.width; ++i) to[row * q.width + i] = from[i] * scale;
  }
  std::fill(to + n * q.width, to + kBlockRows * q.width, 0.0F);
}

void write_result(const AttentionNode& attention, const AttentionTask& task, int64_t first, int64_t head) {
  const int64_t n = std::min<int64_t>(kBlockRows, attention.q.rows - first), width = attention.v.width;
  for (int64_t row = 0; row < n; ++row) {
    float* to = attention.to + ((first + row) * attention.q.heads + head) * width;
    const float weight = task.weights[row], by = weight == 0 ? 0 : 1 / weight;
    for (int64_t i = 0; i < width; ++i) to[i] = task.sums[row * task.d_v + i] * by;
  }
}

void attend_block(const AttentionNode& attention, ReadMask& mask, int64_t d_v, int64_t query_block, int64_t head) {
  AttentionTask task;
  task.d_k = static_cast<int>(attention.q.width);
  task.d_v = static_cast<int>(d_v);
  task.softcap = attention.softcap;
  task.slope = slope_of(attention, head);
  float* queries = rooms.queries.floats(static_cast<size_t>(kBlockRows * task.d_k));
  copy_queries(attention.q, attention.scale, query_block * kBlockRows, head, queries);
  task.queries = queries;
  task.scores = rooms.scores.floats(kBlockRows * kBlockKeys);
  task.sums = rooms.sums.floats(static_cast<size_t>(kBlockRows * task.d_v));
  float maxima[kBlockRows], weights[kBlockRows] = {};
  task.maxima = maxima;
  task.weights = weights;
  std::fill_n(maxima, kBlockRows, kMinusInfinity);
  std::fill_n(task.sums, kBlockRows * task.d_v, 0.0F);
  const int64_t key_head = head / (attention.q.heads / attention.k.heads);
  const int64_t value_head = head / (attention.q.heads / attention.v.heads);
  const size_t n = mask.key_blocks.size();
  for (size_t key = 0; key < n; ++key) {
    const size_t index = mask.index(query_block, key);
    if (mask.sights[index] == Sight::kNothing) continue;
    task.finite_values = shared.finite_values[static_cast<size_t>(value_head) * n + key] != 0;
    kernels().attend(task, keys_of(attention, n, key_head, key), values_of(d_v, n, value_head, key),
                     mask.sights[index] == Sight::kSome ? &mask.mask(index) : nullptr);
  }
  if (attention.sinks != nullptr) kernels().add_sink(task, attention.sinks[head]);
  write_result(attention, task, query_block * kBlockRows, head);
}

std::optional<Heads> heads_of(const ggml_tensor* tensor) {
  if (tensor->type != GGML_TYPE_F32 || tensor->nb[0] != sizeof(float) || tensor->ne[3] != 1) return {};
  return Heads{static_cast<const float*>(tensor->data),
               tensor->ne[1],
               tensor->ne[2],
               tensor->ne[0],
               static_cast<int64_t>(tensor->nb[1] / sizeof(float)),
               static_cast<int64_t>(tensor->nb[2] / sizeof(float))};
}

}  // namespace

std::optional<AttentionNode> attention_at(const ggml_tensor* node) {
  if (node->op != GGML_OP_FLASH_ATTN_EXT) return {};
  const auto q = heads_of(node->src[0]), k = heads_of(node->src[1]), v = heads_of(node->src[2]);
  if (!q || !k || !v || q->width != k->width || k->rows != v->rows || !ggml_is_contiguous(node)) return {};
  if (q->heads % k->heads != 0 || q->heads % v->heads != 0) return {};
  AttentionNode attention{*q, *k, *v};
  if (const ggml_tensor* mask = node->src[3]; mask != nullptr) {
    if (mask->type != GGML_TYPE_F16 || mask->ne[2] != 1 || mask->ne[3] != 1 || mask->ne[1] < q->rows) return {};
    attention.mask = static_cast<const uint16_t*>(mask->data);
    attention.mask_stride = static_cast<int64_t>(mask->nb[1] / sizeof(uint16_t));
  }
  if (const ggml_tensor* sinks = node->src[4]; sinks != nullptr)
    attention.sinks = static_cast<const float*>(sinks->data);
  float params[3];
  std::memcpy(params, node->op_params, sizeof params);
  attention.scale = params[0];
  attention.max_bias = params[1];
  attention.softcap = params[2];
  attention.to = static_cast<float*>(node->data);
  return attention;
}

void forget_masks() { shared.n_read = 0; }

double compute(const AttentionNode& attention, const Worker& worker) {
  const int64_t d_v = blocks_of(attention.v.width, kWidestVector) * kWidestVector;
  if (worker.index == 0) prepare(attention, d_v);
  worker.wait_for_all();
  ReadMask& mask = *shared.read[shared.mask];
  if (shared.is_new) {
    read(attention, mask, worker);
    worker.wait_for_all();
  }
  pack(attention, mask, d_v, worker);
  worker.wait_for_all();
  const int64_t n = mask.query_blocks * attention.q.heads;
  for (int64_t task; (task = shared.attending.take(worker, n)) < n;) {
    attend_block(attention, mask, d_v, task / attention.q.heads, task % attention.q.heads);
  }
  return 2.0 * static_cast<double>(mask.seen * attention.q.heads * (attention.q.width + attention.v.width));
}

}  // namespace hre::fast
