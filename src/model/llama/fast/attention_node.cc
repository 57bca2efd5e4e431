#include "model/llama/fast/attention_node.h"

#include <algorithm>
#include <atomic>
#include <cmath>
#include <cstring>
#include <limits>
#include <vector>

#include "model/llama/fast/kernels.h"

namespace hre::fast {
namespace {

constexpr float kMinusInfinity = -std::numeric_limits<float>::infinity();
constexpr int64_t kWidestVector = 16;

int64_t blocks_of(int64_t n, int64_t size) { return (n + size - 1) / size; }

/// What a block of queries sees of a block of keys.
enum class Sight : uint8_t { kNothing, kSome, kAll };

/// What the threads share at a node: keys and values by blocks, and the mask's blocks. One graph is computed at a time.
struct Shared {
  TaskQueue packing, masking, attending;
  Room keys;    ///< [heads x blocks x d_k x kBlockKeys]
  Room values;  ///< [heads x blocks x kBlockKeys x padded d_v]
  Room masks;   ///< [query blocks x key blocks x kBlockRows x kBlockKeys], those of kSome
  std::vector<Sight> sights;
  std::atomic<int64_t> seen;  ///< pairs of a query and a key
};
Shared shared;

/// A thread's own.
struct Rooms {
  Room queries, scores, sums;
};
thread_local Rooms rooms;

struct Blocks {
  int64_t queries, keys, d_v;  // counts, and the padded width of a value

  explicit Blocks(const AttentionNode& attention)
      : queries(blocks_of(attention.q.rows, kBlockRows)),
        keys(blocks_of(attention.k.rows, kBlockKeys)),
        d_v(blocks_of(attention.v.width, kWidestVector) * kWidestVector) {}
};

void take_room(const AttentionNode& attention, const Blocks& blocks) {
  const auto size = [](auto... n) { return static_cast<size_t>((int64_t{1} * ... * n)); };
  shared.keys.floats(size(attention.k.heads, blocks.keys, attention.k.width, kBlockKeys));
  shared.values.floats(size(attention.v.heads, blocks.keys, blocks.d_v, kBlockKeys));
  shared.masks.floats(size(blocks.queries, blocks.keys, kBlockRows, kBlockKeys));
  shared.sights.resize(size(blocks.queries, blocks.keys));
  shared.seen = 0;
}

float* keys_of(const AttentionNode& attention, const Blocks& blocks, int64_t head, int64_t block) {
  return shared.keys.floats(0) + (head * blocks.keys + block) * attention.k.width * kBlockKeys;
}

float* values_of(const Blocks& blocks, int64_t head, int64_t block) {
  return shared.values.floats(0) + (head * blocks.keys + block) * blocks.d_v * kBlockKeys;
}

float* mask_of(int64_t index) { return shared.masks.floats(0) + index * kBlockRows * kBlockKeys; }

/// A block of a head's keys, transposed; keys beyond the last are zeros.
void pack_keys(const Heads& keys, int64_t head, int64_t first, float* to) {
  const int64_t n = std::min<int64_t>(kBlockKeys, keys.rows - first);
  if (n < kBlockKeys) std::fill_n(to, keys.width * kBlockKeys, 0.0F);
  for (int64_t d = 0; d < keys.width; d += 16) {  // a cache line of each key at a time
    for (int64_t key = 0; key < n; ++key) {
      const float* from = keys.at(first + key, head);
      for (int64_t i = d; i < std::min(d + 16, keys.width); ++i) to[i * kBlockKeys + key] = from[i];
    }
  }
}

void pack_values(const Heads& values, int64_t d_v, int64_t head, int64_t first, float* to) {
  const int64_t n = std::min<int64_t>(kBlockKeys, values.rows - first);
  if (n < kBlockKeys || d_v != values.width) std::fill_n(to, d_v * kBlockKeys, 0.0F);
  for (int64_t key = 0; key < n; ++key) {
    std::memcpy(to + key * d_v, values.at(first + key, head), static_cast<size_t>(values.width) * sizeof(float));
  }
}

/// IEEE half precision to single.
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

/// Looks at a block of the mask, counts what is seen, and writes it as float32 where it hides neither all nor nothing.
Sight read_mask(const AttentionNode& attention, int64_t first_row, int64_t first_key, float* to, int64_t& seen) {
  const int64_t n_rows = std::min<int64_t>(kBlockRows, attention.q.rows - first_row);
  const int64_t n_keys = std::min<int64_t>(kBlockKeys, attention.k.rows - first_key);
  bool all_hidden = true, all_zero = n_keys == kBlockKeys;
  int64_t n_hidden = 0;
  if (attention.mask == nullptr) {
    all_hidden = false;
  } else {
    for (int64_t row = 0; row < n_rows; ++row) {
      const uint16_t* from = attention.mask + (first_row + row) * attention.mask_stride + first_key;
      int hidden = 0;
      unsigned set = 0;
      for (int64_t key = 0; key < n_keys; ++key) {
        hidden += from[key] == kHalfMinusInfinity ? 1 : 0;
        set |= from[key];
      }
      n_hidden += hidden;
      all_hidden = all_hidden && hidden == n_keys;
      all_zero = all_zero && set == 0;
    }
  }
  seen += n_rows * n_keys - n_hidden;
  if (all_hidden) return Sight::kNothing;
  if (all_zero) return Sight::kAll;
  std::fill_n(to, kBlockRows * kBlockKeys, kMinusInfinity);
  for (int64_t row = 0; row < n_rows; ++row) {
    for (int64_t key = 0; key < n_keys; ++key) {
      const uint16_t half =
          attention.mask == nullptr ? 0 : attention.mask[(first_row + row) * attention.mask_stride + first_key + key];
      to[row * kBlockKeys + key] = half == 0 ? 0.0F : half == kHalfMinusInfinity ? kMinusInfinity : widened(half);
    }
  }
  return Sight::kSome;
}

void read_masks(const AttentionNode& attention, const Blocks& blocks, const Worker& worker) {
  int64_t seen = 0;
  for (int64_t row; (row = shared.masking.take(worker, blocks.queries)) < blocks.queries;) {
    for (int64_t key = 0; key < blocks.keys; ++key) {
      const int64_t index = row * blocks.keys + key;
      shared.sights[static_cast<size_t>(index)] =
          read_mask(attention, row * kBlockRows, key * kBlockKeys, mask_of(index), seen);
    }
  }
  shared.seen += seen;
}

bool is_seen(const Blocks& blocks, int64_t key_block) {
  for (int64_t row = 0; row < blocks.queries; ++row) {
    if (shared.sights[static_cast<size_t>(row * blocks.keys + key_block)] != Sight::kNothing) return true;
  }
  return false;
}

void pack(const AttentionNode& attention, const Blocks& blocks, const Worker& worker) {
  const int64_t n = blocks.keys;
  for (int64_t block; (block = shared.packing.take(worker, n)) < n;) {
    if (!is_seen(blocks, block)) continue;
    for (int64_t head = 0; head < attention.k.heads; ++head) {
      pack_keys(attention.k, head, block * kBlockKeys, keys_of(attention, blocks, head, block));
    }
    for (int64_t head = 0; head < attention.v.heads; ++head) {
      pack_values(attention.v, blocks.d_v, head, block * kBlockKeys, values_of(blocks, head, block));
    }
  }
}

/// ALiBi's slopes (Press et al.), as ggml numbers the heads.
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

void copy_queries(const Heads& q, int64_t first, int64_t head, float* to) {
  const int64_t n = std::min<int64_t>(kBlockRows, q.rows - first);
  for (int64_t row = 0; row < n; ++row) {
    std::memcpy(to + row * q.width, q.at(first + row, head), static_cast<size_t>(q.width) * sizeof(float));
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

void attend_block(const AttentionNode& attention, const Blocks& blocks, int64_t query_block, int64_t head) {
  AttentionTask task;
  task.d_k = static_cast<int>(attention.q.width), task.d_v = static_cast<int>(blocks.d_v);
  task.scale = attention.scale, task.softcap = attention.softcap, task.slope = slope_of(attention, head);
  float* queries = rooms.queries.floats(static_cast<size_t>(kBlockRows * task.d_k));
  copy_queries(attention.q, query_block * kBlockRows, head, queries);
  task.queries = queries;
  task.scores = rooms.scores.floats(kBlockRows * kBlockKeys);
  task.sums = rooms.sums.floats(static_cast<size_t>(kBlockRows * task.d_v));
  float maxima[kBlockRows], weights[kBlockRows] = {};
  task.maxima = maxima, task.weights = weights;
  std::fill_n(maxima, kBlockRows, kMinusInfinity);
  std::fill_n(task.sums, kBlockRows * task.d_v, 0.0F);
  const int64_t key_head = head / (attention.q.heads / attention.k.heads);
  const int64_t value_head = head / (attention.q.heads / attention.v.heads);
  for (int64_t key = 0; key < blocks.keys; ++key) {
    const int64_t index = query_block * blocks.keys + key;
    const Sight sight = shared.sights[static_cast<size_t>(index)];
    if (sight == Sight::kNothing) continue;
    kernels().attend(task, keys_of(attention, blocks, key_head, key), values_of(blocks, value_head, key),
                     sight == Sight::kSome ? mask_of(index) : nullptr);
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
  attention.scale = params[0], attention.max_bias = params[1], attention.softcap = params[2];
  attention.to = static_cast<float*>(node->data);
  return attention;
}

double compute(const AttentionNode& attention, const Worker& worker) {
  const Blocks blocks(attention);
  if (worker.index == 0) take_room(attention, blocks);
  worker.wait_for_all();
  read_masks(attention, blocks, worker);
  worker.wait_for_all();
  pack(attention, blocks, worker);
  worker.wait_for_all();
  const int64_t n = blocks.queries * attention.q.heads;
  for (int64_t task; (task = shared.attending.take(worker, n)) < n;) {
    attend_block(attention, blocks, task / attention.q.heads, task % attention.q.heads);
  }
  return 2.0 * static_cast<double>(shared.seen * attention.q.heads * (attention.q.width + attention.v.width));
}

}  // namespace hre::fast
