#include "model/llama/fast/product_node.h"

#include <ggml-backend.h>

#include <algorithm>
#include <cstring>
#include <limits>
#include <vector>

#include "model/llama/fast/widening.h"

// All threads of the graph compute a product together. Its result [m tokens x n rows of the weights] is divided into
// tasks, and each thread takes the next one:
//
//                blocks of n       a task packs its block of the weights, widened or rounded, into the thread's own
//              +---+---+---+       memory, and multiplies it by the rows of its piece, 96 to 384 at a time
//   pieces     | 0 | 2 | 4 |
//     of m     +---+---+---+       There are as many pieces as give all threads equal work; with experts, each expert's
//              | 1 | 3 | 5 |       rows are a piece.
//              +---+---+---+
//
// Rows of tokens that must be rounded are rounded before, by all threads, and kept for the next product.

namespace hre::fast {
namespace {

/// The widest block of the weights' rows that is packed at once and stays in the second-level cache. All blocks of an
/// output layer have this width, because the order of its sums, and so their bits, follows from it.
int64_t widest_block(int64_t k) { return k <= 256 ? 256 : 128; }

/// The number of rows multiplied at once; short rows allow more.
int64_t block_rows(int64_t k) { return std::clamp<int64_t>(96 * 1024 / k, 96, 384) / 48 * 48; }

bool is_weight(const ggml_tensor* tensor) {
  return tensor->op == GGML_OP_NONE && tensor->buffer != nullptr && ggml_backend_buffer_is_host(tensor->buffer) &&
         ggml_backend_buffer_get_usage(tensor->buffer) == GGML_BACKEND_BUFFER_USAGE_WEIGHTS;
}

bool has_known_type(const ggml_tensor* weights) {
  return weights->type == GGML_TYPE_F32 || weights->type == GGML_TYPE_BF16 ||
         ggml_get_type_traits(weights->type)->to_float != nullptr;
}

/// Whether the tensor's rows of float32 values are all the same distance apart.
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

/// Whether the node adds the residual, the layer's input.
bool adds_residual(const ggml_tensor* node, const ggml_tensor* to) {
  const ggml_tensor* other = node->src[1];
  return node->op == GGML_OP_ADD && node->src[0] == to && node->data == to->data && ggml_are_same_shape(node, to) &&
         other->type == GGML_TYPE_F32 && ggml_are_same_shape(other, to) && ggml_is_contiguous(other) &&
         other->data != to->data;
}

/// If the next node overwrites a result in place, the result has no other reader, and the two nodes can be computed as
/// one.
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

/// Integer products need rows of whole blocks. Quantised types always have them; bfloat16 may not.
Precision precision_for(const ggml_tensor* weights, const KernelSettings& settings) {
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

/// Consecutive rows that are multiplied by the same weight matrix.
struct Piece {
  const char* weights;
  int64_t first, last;
};

/// Shared by all threads at a node. Only one graph is computed at a time.
struct Shared {
  TaskQueue conversions, blocks;
  Room a;         ///< rounded rows
  int graph = 0;  ///< the number of the current graph
};
Shared shared;

/// Identifies the rows that `a` holds: the products of one tensor with several weights (queries, keys and values; gates
/// and ups) follow each other in a graph, so the rows are rounded once.
struct Rounded {
  int graph = 0;
  const ggml_tensor* from = nullptr;
  Precision precision = Precision::kF32;
  friend bool operator==(const Rounded&, const Rounded&) = default;
};

/// Buffers of each thread.
struct Rooms {
  Room rows, packed, result;
  Rounded rounded;  ///< equal in all threads
  std::vector<Piece> pieces;
  /// With experts: the index of each of the pieces' rows in `a`, and of its result in the output, in values.
  std::vector<int64_t> from, to;
};
thread_local Rooms rooms;

/// The rows of A in the form in which they are multiplied.
struct Rows {
  const char* at;
  size_t stride;  ///< in bytes
};

/// How a product is divided into tasks.
struct Division {
  int64_t columns;  ///< the width of a block of the weights' rows
  int64_t rows;     ///< of a piece
};

/// The division that keeps the busiest thread's work least: its share of the multiplications, the packing of each
/// task's weights, and half a task of waiting for the other threads. The order of k is the same in every division, so
/// no bit follows from it. The order of a reduction's sums follows from its blocks, which are the widest therefore.
Division divide(const ProductNode& product, const Worker& worker, bool reduces) {
  // Packing a block takes as long as multiplying about so many rows by it.
  constexpr int64_t kRowsOfPacking = 32;
  // Tiles of the result have full panels: blocks of other widths would multiply by columns of zeros.
  const int64_t step = product.precision == Precision::kF32 ? std::max<int64_t>(32, kernels().panel_columns) : 32;
  const int64_t row_step = block_rows(product.k), row_steps = (product.m + row_step - 1) / row_step;
  Division best{};
  double least = std::numeric_limits<double>::max();
  const int64_t widest = widest_block(product.k), narrowest = reduces ? widest : 64;
  for (int64_t columns = widest; columns >= narrowest; columns -= step) {
    const int64_t blocks = (product.n + columns - 1) / columns;
    for (int64_t pieces = 1; pieces <= std::min<int64_t>(row_steps, 2 * worker.count); ++pieces) {
      const int64_t rows = (row_steps + pieces - 1) / pieces * row_step;
      const int64_t tasks = blocks * ((product.m + rows - 1) / rows);
      const double rounds = static_cast<double>((tasks + worker.count - 1) / worker.count) + 0.5;
      const double work = rounds * static_cast<double>(columns * (std::min(rows, product.m) + kRowsOfPacking));
      if (work >= least) continue;
      best = {columns, rows};
      least = work;
    }
  }
  return best;
}

void cut_rows(const ProductNode& product, int64_t rows) {
  const char* weights = static_cast<const char*>(product.weights->data);
  for (int64_t first = 0; first < product.m; first += rows) {
    rooms.pieces.push_back({weights, first, std::min(product.m, first + rows)});
  }
}

/// Sorts the rows by expert; each expert's rows are a piece.
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

/// All threads make the same pieces, each for itself.
void make_pieces(const ProductNode& product, int64_t rows) {
  rooms.pieces.clear();
  rooms.from.clear();
  rooms.to.clear();
  if (product.experts != nullptr) {
    sort_by_expert(product);
  } else {
    cut_rows(product, rows);
  }
}

/// A's rows in the order of the pieces; all threads together gather and round them if necessary.
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

/// Packs some of the weights' rows; rows of other types are widened to float32 first.
void pack_rows(const ggml_tensor* weights, const char* matrix, const BlockShape& shape, int64_t first, void* packed) {
  const char* rows = matrix + static_cast<size_t>(first) * weights->nb[1];
  if (weights->type == GGML_TYPE_F32) return pack_block(shape, rows, RowType::kF32, packed);
  if (shape.precision == Precision::kI16) return pack_block(shape, rows, RowType::kQ8_0, packed);
  if (weights->type == GGML_TYPE_BF16 && shape.precision != Precision::kF32)
    return pack_block(shape, rows, RowType::kBf16, packed);
  float* wide = rooms.rows.floats(static_cast<size_t>(shape.n * shape.k));
  for (int64_t row = 0; row < shape.n; ++row) {
    widen_row(weights->type, rows + static_cast<size_t>(row) * weights->nb[1], shape.k, wide + row * shape.k);
  }
  pack_block(shape, wide, RowType::kF32, packed);
}

/// Computes the block's maxima and sums, and copies the wanted logits in it.
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

/// Multiplies a piece of the rows by a block of at most `columns` rows of weights.
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

std::optional<ProductNode> product_at(ggml_cgraph* graph, int node, const KernelSettings& settings) {
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
  product.m = m;
  product.n = weights->ne[1];
  product.k = weights->ne[0];
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
  const Division division = divide(product, worker, reduction != nullptr);
  const int64_t columns = division.columns, blocks = (product.n + columns - 1) / columns;
  make_pieces(product, division.rows);
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
