#include "model/llama/fast/product_node.h"

#include <ggml-backend.h>

#include <algorithm>
#include <cstring>
#include <limits>
#include <vector>

namespace hre::fast {
namespace {

/// The widest block of the weights' rows that is packed at once, and stays in the second-level cache. Blocks of an
/// output layer are all as wide: the order in which its rows are summed up follows from them.
int64_t widest_block(int64_t k) { return k <= 256 ? 256 : 128; }

/// Rows multiplied at once: more where they are short.
int64_t block_rows(int64_t k) { return std::clamp<int64_t>(96 * 1024 / k, 96, 384) / 48 * 48; }

bool is_weight(const ggml_tensor* tensor) {
  return tensor->op == GGML_OP_NONE && tensor->buffer != nullptr && ggml_backend_buffer_is_host(tensor->buffer) &&
         ggml_backend_buffer_get_usage(tensor->buffer) == GGML_BACKEND_BUFFER_USAGE_WEIGHTS;
}

bool has_known_type(const ggml_tensor* weights) {
  return weights->type == GGML_TYPE_F32 || weights->type == GGML_TYPE_BF16 ||
         ggml_get_type_traits(weights->type)->to_float != nullptr;
}

/// Rows of values that follow each other at one distance.
bool is_matrix(const ggml_tensor* tensor) {
  return tensor->type == GGML_TYPE_F32 && tensor->nb[0] == sizeof(float) && tensor->nb[1] % sizeof(float) == 0 &&
         (tensor->ne[2] == 1 || tensor->nb[2] == tensor->nb[1] * static_cast<size_t>(tensor->ne[1])) &&
         (tensor->ne[3] == 1 || tensor->nb[3] == tensor->nb[2] * static_cast<size_t>(tensor->ne[2]));
}

bool adds_bias(const ggml_tensor* node, const ggml_tensor* to) {
  const ggml_tensor* bias = node->src[1];
  return node->op == GGML_OP_ADD && node->src[0] == to && node->data == to->data && ggml_are_same_shape(node, to) &&
         bias->type == GGML_TYPE_F32 && bias->ne[0] == to->ne[0] && ggml_nelements(bias) == bias->ne[0] &&
         bias->nb[0] == sizeof(float) && bias->data != to->data;
}

/// What the layer had before it.
bool adds_residual(const ggml_tensor* node, const ggml_tensor* to) {
  const ggml_tensor* other = node->src[1];
  return node->op == GGML_OP_ADD && node->src[0] == to && node->data == to->data && ggml_are_same_shape(node, to) &&
         other->type == GGML_TYPE_F32 && ggml_are_same_shape(other, to) && ggml_is_contiguous(other) &&
         other->data != to->data;
}

/// A result that the next node overwrites in place has no other reader, so the two can be one.
void take_following(ggml_cgraph* graph, int node, ProductNode& product) {
  const int n = ggml_graph_n_nodes(graph);
  const ggml_tensor* last = ggml_graph_node(graph, node);
  if (node + 1 < n && adds_bias(ggml_graph_node(graph, node + 1), last)) {
    last = ggml_graph_node(graph, ++node);
    product.bias = static_cast<const float*>(last->src[1]->data);
    ++product.n_nodes;
  }
  if (node + 1 >= n) return;
  const ggml_tensor* next = ggml_graph_node(graph, node + 1);
  if (adds_residual(next, last)) {
    product.residual = static_cast<const float*>(next->src[1]->data);
    ++product.n_nodes;
    return;
  }
  const Activation activation = activation_of(next);
  if (activation == Activation::kNone || next->src[0] != last || next->data != last->data) return;
  product.activation = activation;
  ++product.n_nodes;
}

/// Integers want rows of whole blocks; quantised types have them, bfloat16 need not.
Precision precision_for(const ggml_tensor* weights, const Settings& settings) {
  Precision precision = Precision::kF32;
  if (weights->type == GGML_TYPE_BF16) {
    precision = settings.bf16;
  } else if (weights->type == GGML_TYPE_Q8_0) {
    precision = settings.q8_0;
  } else if (ggml_is_quantized(weights->type)) {
    precision = settings.quantised;
  }
  return packed_bytes({precision, 1, weights->ne[0]}) > 0 ? precision : Precision::kF32;
}

/// Consecutive rows that one matrix of the weights multiplies.
struct Piece {
  const char* weights;
  int64_t first, last;
};

/// What all threads read and write at a node. One graph is computed at a time.
struct Shared {
  TaskQueue conversions, blocks;
  Room a;         ///< rounded
  int graph = 0;  ///< counts them
};
Shared shared;

/// Which tensor's rows are rounded there, in what: products of one tensor with several weights (queries, keys and
/// values; gates and ups) follow each other in a graph.
struct Rounded {
  int graph = 0;
  const ggml_tensor* from = nullptr;
  Precision precision = Precision::kF32;
  friend bool operator==(const Rounded&, const Rounded&) = default;
};

/// A thread's own.
struct Rooms {
  Room rows, packed, result;
  Rounded rounded;  ///< every thread knows the same
  std::vector<Piece> pieces;
  /// With experts: where each row of the pieces is in `a`, and where its result goes, in values.
  std::vector<int64_t> from, to;
};
thread_local Rooms rooms;

/// Rows of A, as they are multiplied.
struct Rows {
  const char* at;
  size_t stride;  ///< in bytes
};

/// How wide blocks are so that the threads have equally much to do: the busiest thread's columns, and half a block that
/// threads wait for each other at the end, are as few as can be.
int64_t block_columns(const ProductNode& product, const Worker& worker) {
  constexpr int64_t kStep = 32, kNarrowest = 64;
  int64_t best = widest_block(product.k), least = std::numeric_limits<int64_t>::max();
  for (int64_t columns = best; columns >= kNarrowest; columns -= kStep) {
    const int64_t blocks = (product.n + columns - 1) / columns;
    const int64_t busiest = (blocks + worker.count - 1) / worker.count * columns + columns / 2;
    if (busiest < least) {
      best = columns;
      least = busiest;
    }
  }
  return best;
}

/// Cuts the rows where there are fewer blocks of columns than threads. Each piece packs the weights anew.
void cut_rows(const ProductNode& product, const Worker& worker, int64_t blocks) {
  const int64_t step = block_rows(product.k), steps = (product.m + step - 1) / step;
  const int64_t pieces = std::clamp<int64_t>(worker.count / std::max<int64_t>(1, blocks), 1, steps);
  const int64_t rows = (steps + pieces - 1) / pieces * step;
  const char* weights = static_cast<const char*>(product.weights->data);
  for (int64_t first = 0; first < product.m; first += rows) {
    rooms.pieces.push_back({weights, first, std::min(product.m, first + rows)});
  }
}

/// Sorts the rows by their experts, each of which is a piece.
void sort_by_expert(const ProductNode& product) {
  const ggml_tensor* experts = product.experts;
  const int64_t slots = experts->ne[0], tokens = experts->ne[1], n = product.weights->ne[2];
  const auto expert_of = [&](int64_t token, int64_t slot) {
    const char* at = static_cast<const char*>(experts->data) + static_cast<size_t>(token) * experts->nb[1];
    return static_cast<int64_t>(*reinterpret_cast<const int32_t*>(at + static_cast<size_t>(slot) * experts->nb[0]));
  };
  std::vector<int64_t> next(static_cast<size_t>(n) + 1, 0);
  for (int64_t token = 0; token < tokens; ++token) {
    for (int64_t slot = 0; slot < slots; ++slot) ++next[static_cast<size_t>(expert_of(token, slot)) + 1];
  }
  for (size_t expert = 0; expert < static_cast<size_t>(n); ++expert) {
    const int64_t first = next[expert];
    next[expert + 1] += first;
    if (next[expert + 1] == first) continue;
    const char* weights = static_cast<const char*>(product.weights->data) + expert * product.weights->nb[2];
    rooms.pieces.push_back({weights, first, next[expert + 1]});
  }
  rooms.from.resize(static_cast<size_t>(product.m));
  rooms.to.resize(static_cast<size_t>(product.m));
  for (int64_t token = 0; token < tokens; ++token) {
    for (int64_t slot = 0; slot < slots; ++slot) {
      const auto row = static_cast<size_t>(next[static_cast<size_t>(expert_of(token, slot))]++);
      rooms.from[row] = token * product.a_token_stride + slot % product.a_slots * product.a_stride;
      rooms.to[row] = (token * slots + slot) * product.n;
    }
  }
}

/// The pieces are the same for every thread, which makes its own.
void make_pieces(const ProductNode& product, const Worker& worker, int64_t blocks) {
  rooms.pieces.clear();
  rooms.from.clear();
  rooms.to.clear();
  if (product.experts != nullptr) {
    sort_by_expert(product);
  } else {
    cut_rows(product, worker, blocks);
  }
}

/// A's rows in the order of the pieces, gathered and rounded by all threads where that is needed.
Rows round_rows(const ProductNode& product, const Worker& worker) {
  const bool gathers = !rooms.from.empty(), rounds = product.precision != Precision::kF32;
  if (!gathers && !rounds) {
    return {reinterpret_cast<const char*>(product.a), static_cast<size_t>(product.a_stride) * sizeof(float)};
  }
  const size_t stride = row_bytes(product.precision, product.k);
  const size_t bytes = static_cast<size_t>(product.m + kSpareRows) * stride;
  const Rounded wanted{shared.graph, gathers ? nullptr : product.from, product.precision};
  if (!gathers && rooms.rounded == wanted) return {static_cast<const char*>(shared.a.bytes(bytes)), stride};
  rooms.rounded = wanted;
  if (worker.index == 0) shared.a.bytes(bytes);
  worker.wait_for_all();
  auto* to = static_cast<char*>(shared.a.bytes(bytes));
  constexpr int64_t kAtOnce = 16;
  const int64_t n = (product.m + kAtOnce - 1) / kAtOnce;
  for (int64_t task; (task = shared.conversions.take(worker, n)) < n;) {
    for (int64_t row = task * kAtOnce; row < std::min(product.m, (task + 1) * kAtOnce); ++row) {
      const float* from = product.a + (gathers ? rooms.from[static_cast<size_t>(row)] : row * product.a_stride);
      char* at = to + static_cast<size_t>(row) * stride;
      if (rounds) {
        round_row(product.precision, from, product.k, at);
      } else {
        std::memcpy(at, from, stride);
      }
    }
  }
  worker.wait_for_all();
  return {to, stride};
}

/// A row of weights as float32; by the engine, but for types that it widens one value after another.
void widen(ggml_type type, const char* from, int64_t k, float* to) {
  switch (type) {
    case GGML_TYPE_BF16:
      return kernels().from_bf16(reinterpret_cast<const uint16_t*>(from), static_cast<size_t>(k), to);
    case GGML_TYPE_Q4_0:
    case GGML_TYPE_Q4_1: {  // blocks of a factor, a shift (of Q4_1), and 32 integers of 4 bits
      const bool is_shifted = type == GGML_TYPE_Q4_1;
      const size_t bytes = ggml_type_size(type);
      for (int64_t i = 0; i < k; i += 32, from += bytes) {
        uint16_t halves[2];
        std::memcpy(halves, from, sizeof halves);
        const float factor = ggml_fp16_to_fp32(halves[0]);
        const float shift = is_shifted ? ggml_fp16_to_fp32(halves[1]) : -8 * factor;
        kernels().widen_nibbles(reinterpret_cast<const uint8_t*>(from) + bytes - 16, factor, shift, to + i);
      }
      return;
    }
    default:
      return ggml_get_type_traits(type)->to_float(from, to, k);
  }
}

/// Packs some of the weights' rows; those of other types become float32 before.
void pack_rows(const ggml_tensor* weights, const char* matrix, const BlockShape& shape, int64_t first, void* packed) {
  const char* rows = matrix + static_cast<size_t>(first) * weights->nb[1];
  if (weights->type == GGML_TYPE_F32) return pack_block(shape, rows, RowType::kF32, packed);
  if (shape.precision == Precision::kI16) return pack_block(shape, rows, RowType::kQ8_0, packed);
  if (weights->type == GGML_TYPE_BF16 && shape.precision != Precision::kF32)
    return pack_block(shape, rows, RowType::kBf16, packed);
  float* wide = rooms.rows.floats(static_cast<size_t>(shape.n * shape.k));
  for (int64_t row = 0; row < shape.n; ++row) {
    widen(weights->type, rows + static_cast<size_t>(row) * weights->nb[1], shape.k, wide + row * shape.k);
  }
  pack_block(shape, wide, RowType::kF32, packed);
}

/// The block's maxima and sums, and the wanted logits that lie in it.
void reduce_block(Reduction& reduction, const float* block, int64_t row, int64_t rows, int64_t index, int64_t column,
                  int64_t columns) {
  const int64_t at = row * reduction.n_blocks + index;
  kernels().reduce(block, static_cast<size_t>(rows), static_cast<size_t>(columns), reduction.maxima.data() + at,
                   reduction.sums.data() + at, static_cast<size_t>(reduction.n_blocks));
  const size_t last = reduction.first_wanted[static_cast<size_t>(row + rows)];
  for (size_t i = reduction.first_wanted[static_cast<size_t>(row)]; i < last; ++i) {
    WantedLogit& wanted = reduction.wanted[i];
    if (wanted.token < column || wanted.token >= column + columns) continue;
    wanted.logit = block[(wanted.row - row) * columns + wanted.token - column];
  }
}

/// A piece of the rows times a block of the weights' rows, so many at most.
void compute_task(const ProductNode& product, const Piece& piece, int64_t block_index, int64_t columns, const Rows& a,
                  Reduction* reduction) {
  const int64_t column = block_index * columns;
  const BlockShape shape{product.precision, std::min(columns, product.n - column), product.k};
  void* packed = rooms.packed.bytes(packed_bytes(shape));
  pack_rows(product.weights, piece.weights, shape, column, packed);
  const int64_t step = block_rows(product.k);
  const auto rows_at = [&](int64_t row) { return a.at + static_cast<size_t>(row) * a.stride; };
  const auto n = static_cast<size_t>(shape.n);
  for (int64_t row = piece.first; row < piece.last; row += step) {
    const int64_t rows = std::min(step, piece.last - row);
    if (reduction == nullptr && rooms.to.empty()) {
      const int64_t at = row * product.n + column;
      float* to = product.to + at;
      multiply_block(shape, rows, rows_at(row), a.stride, packed, to, product.n);
      if (product.bias != nullptr || product.activation != Activation::kNone) {
        kernels().finish(to, static_cast<size_t>(rows), n, product.bias == nullptr ? nullptr : product.bias + column,
                         product.activation, static_cast<size_t>(product.n));
      }
      if (product.residual != nullptr) {
        kernels().add(to, product.residual + at, static_cast<size_t>(rows), n, static_cast<size_t>(product.n));
      }
      continue;
    }
    float* block = rooms.result.floats(static_cast<size_t>(step * columns));
    multiply_block(shape, rows, rows_at(row), a.stride, packed, block, shape.n);
    if (reduction != nullptr) {
      reduce_block(*reduction, block, row, rows, block_index, column, shape.n);
      continue;
    }
    for (int64_t i = 0; i < rows; ++i) {
      std::copy_n(block + i * shape.n, shape.n, product.to + rooms.to[static_cast<size_t>(row + i)] + column);
    }
  }
}

}  // namespace

void Reduction::make_room(int64_t blocks) {
  n_blocks = blocks;
  maxima.resize(static_cast<size_t>(n_rows * blocks));
  sums.resize(static_cast<size_t>(n_rows * blocks));
}

Activation activation_of(const ggml_tensor* node) {
  if (node->op != GGML_OP_UNARY) return Activation::kNone;
  switch (ggml_get_unary_op(node)) {
    case GGML_UNARY_OP_GELU:
      return Activation::kGeluTanh;
    case GGML_UNARY_OP_GELU_ERF:
      return Activation::kGeluErf;
    default:
      return Activation::kNone;
  }
}

std::optional<ProductNode> product_at(ggml_cgraph* graph, int node, const Settings& settings) {
  const ggml_tensor* to = ggml_graph_node(graph, node);
  if (to->op != GGML_OP_MUL_MAT && to->op != GGML_OP_MUL_MAT_ID) return {};
  const ggml_tensor *weights = to->src[0], *a = to->src[1];
  const int64_t m = ggml_nrows(to);
  if (m == 0 || !is_weight(weights) || !has_known_type(weights) || ggml_nelements(weights) == 0) return {};
  if (weights->ne[3] != 1 || a->type != GGML_TYPE_F32 || a->nb[0] != sizeof(float) || !ggml_is_contiguous(to))
    return {};
  ProductNode product;
  product.weights = weights;
  product.from = a;
  product.a = static_cast<const float*>(a->data);
  product.m = m, product.n = weights->ne[1], product.k = weights->ne[0];
  product.a_stride = static_cast<int64_t>(a->nb[1] / sizeof(float));
  product.to = static_cast<float*>(to->data);
  product.precision = precision_for(weights, settings);
  if (to->op == GGML_OP_MUL_MAT_ID) {
    if (a->ne[3] != 1 || to->ne[3] != 1) return {};
    product.experts = to->src[2];
    product.a_slots = a->ne[1];
    product.a_token_stride = static_cast<int64_t>(a->nb[2] / sizeof(float));
    return product;
  }
  if (weights->ne[2] != 1 || !is_matrix(a)) return {};
  take_following(graph, node, product);
  return product;
}

void forget_rounded_rows() { ++shared.graph; }

void compute(const ProductNode& product, const Worker& worker, Reduction* reduction) {
  const int64_t columns = reduction != nullptr ? widest_block(product.k) : block_columns(product, worker);
  const int64_t blocks = (product.n + columns - 1) / columns;
  make_pieces(product, worker, blocks);
  const Rows a = round_rows(product, worker);
  if (reduction != nullptr) {
    if (worker.index == 0) reduction->make_room(blocks);
    worker.wait_for_all();
  }
  const auto pieces = static_cast<int64_t>(rooms.pieces.size()), n = blocks * pieces;
  for (int64_t task; (task = shared.blocks.take(worker, n)) < n;) {
    compute_task(product, rooms.pieces[static_cast<size_t>(task % pieces)], task / pieces, columns, a, reduction);
  }
}

}  // namespace hre::fast
