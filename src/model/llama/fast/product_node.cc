#include "model/llama/fast/product_node.h"

#include <ggml-backend.h>

#include <algorithm>
#include <cstring>

namespace hre::fast {
namespace {

/// Weights' rows packed at once: they stay in the second-level cache. More where they are short, as for rows.
int64_t block_columns(int64_t k) { return k <= 256 ? 256 : 128; }

/// Rows multiplied at once: more where they are short, so that calls are worth their overhead.
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
  const Activation activation = activation_of(next);
  if (activation == Activation::kNone || next->src[0] != last || next->data != last->data) return;
  product.activation = activation;
  ++product.n_nodes;
}

Multiplies who_multiplies(ggml_type type, const Settings& settings) {
  if (type == GGML_TYPE_BF16) return settings.bf16;
  if (type == GGML_TYPE_Q8_0) return settings.q8_0;
  return ggml_is_quantized(type) ? settings.quantised : settings.f32;
}

/// What all threads read and write at a node. One graph is computed at a time.
struct Shared {
  TaskQueue conversions, blocks;
  Room a;  ///< rounded
};
Shared shared;

/// A thread's own.
struct Rooms {
  Room rows, packed, result;
};
thread_local Rooms rooms;

/// Rows of A, as they are multiplied.
struct Rows {
  const char* at;
  size_t stride;  ///< in bytes
};

/// A's rows, rounded by all threads where the precision asks for it.
Rows round_rows(const ProductNode& product, const Worker& worker) {
  if (product.precision == Precision::kF32) {
    return {reinterpret_cast<const char*>(product.a), static_cast<size_t>(product.a_stride) * sizeof(float)};
  }
  const size_t stride = row_bytes(product.precision, product.k), bytes = static_cast<size_t>(product.m) * stride;
  if (worker.index == 0) shared.a.bytes(bytes);
  worker.wait_for_all();
  auto* to = static_cast<char*>(shared.a.bytes(bytes));
  constexpr int64_t kAtOnce = 16;
  const int64_t n = (product.m + kAtOnce - 1) / kAtOnce;
  for (int64_t task; (task = shared.conversions.take(worker, n)) < n;) {
    for (int64_t row = task * kAtOnce; row < std::min(product.m, (task + 1) * kAtOnce); ++row) {
      round_row(product.precision, product.a + row * product.a_stride, product.k,
                to + static_cast<size_t>(row) * stride);
    }
  }
  worker.wait_for_all();
  return {to, stride};
}

/// Packs some of the weights' rows; those of other types become float32 before.
void pack_rows(const ProductNode& product, const BlockShape& shape, int64_t first, void* packed) {
  const ggml_tensor* weights = product.weights;
  const char* rows = static_cast<const char*>(weights->data) + static_cast<size_t>(first) * weights->nb[1];
  if (weights->type == GGML_TYPE_F32) return pack_block(shape, rows, RowType::kF32, packed);
  if (shape.precision == Precision::kI16) return pack_block(shape, rows, RowType::kQ8_0, packed);
  if (weights->type == GGML_TYPE_BF16 && shape.precision != Precision::kF32)
    return pack_block(shape, rows, RowType::kBf16, packed);
  float* wide = rooms.rows.floats(static_cast<size_t>(shape.n * shape.k));
  const auto to_float = ggml_get_type_traits(weights->type)->to_float;
  for (int64_t row = 0; row < shape.n; ++row) {
    const char* from = rows + static_cast<size_t>(row) * weights->nb[1];
    if (weights->type == GGML_TYPE_BF16) {
      kernels().from_bf16(reinterpret_cast<const uint16_t*>(from), static_cast<size_t>(shape.k), wide + row * shape.k);
    } else {
      to_float(from, wide + row * shape.k, shape.k);
    }
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

/// A part of the rows times a block of the weights' rows.
struct Tasks {
  int64_t block = 0, columns = 0, row_parts = 1, part_rows = 0;

  Tasks(const ProductNode& product, const Worker& worker)
      : block(block_columns(product.k)), columns((product.n + block - 1) / block), part_rows(product.m) {
    const int64_t step = block_rows(product.k), blocks = (product.m + step - 1) / step;
    while (columns * row_parts < 3 * worker.count && row_parts < blocks) ++row_parts;
    part_rows = (blocks + row_parts - 1) / row_parts * step;
    row_parts = (product.m + part_rows - 1) / part_rows;
  }
  [[nodiscard]] int64_t count() const { return columns * row_parts; }
};

void compute_task(const ProductNode& product, const Tasks& tasks, int64_t task, const Rows& a, Reduction* reduction) {
  const int64_t index = task / tasks.row_parts, column = index * tasks.block;
  const BlockShape shape{product.precision, std::min(tasks.block, product.n - column), product.k};
  void* packed = rooms.packed.bytes(packed_bytes(shape));
  pack_rows(product, shape, column, packed);
  const int64_t first = task % tasks.row_parts * tasks.part_rows, last = std::min(product.m, first + tasks.part_rows);
  const int64_t step = block_rows(product.k);
  float* block = rooms.result.floats(static_cast<size_t>(step * tasks.block));
  for (int64_t row = first; row < last; row += step) {
    const int64_t rows = std::min(step, last - row);
    multiply_block(shape, rows, a.at + static_cast<size_t>(row) * a.stride, a.stride, packed, block);
    if (reduction != nullptr) {
      reduce_block(*reduction, block, row, rows, index, column, shape.n);
    } else {
      kernels().finish(block, static_cast<size_t>(rows), static_cast<size_t>(shape.n),
                       product.bias == nullptr ? nullptr : product.bias + column, product.activation,
                       product.to + row * product.n + column, static_cast<size_t>(product.n));
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

Precision precision_of(Multiplies how) {
  switch (how) {
    case Multiplies::kI14:
      return Precision::kI14;
    case Multiplies::kBf16:
      return Precision::kBf16;
    case Multiplies::kI16:
      return Precision::kI16;
    case Multiplies::kF32:
    case Multiplies::kEngine:
      break;
  }
  return Precision::kF32;
}

std::optional<ProductNode> product_at(ggml_cgraph* graph, int node, int64_t fewest_rows, const Settings& settings) {
  const ggml_tensor* to = ggml_graph_node(graph, node);
  if (to->op != GGML_OP_MUL_MAT) return {};
  const ggml_tensor *weights = to->src[0], *a = to->src[1];
  const int64_t m = ggml_nrows(to);
  if (m < fewest_rows || !is_weight(weights) || !has_known_type(weights) || ggml_nelements(weights) == 0) return {};
  if (weights->ne[2] != 1 || weights->ne[3] != 1 || !is_matrix(a) || !ggml_is_contiguous(to)) return {};
  ProductNode product{weights,
                      static_cast<const float*>(a->data),
                      m,
                      weights->ne[1],
                      weights->ne[0],
                      static_cast<int64_t>(a->nb[1] / sizeof(float))};
  product.to = static_cast<float*>(to->data);
  const Multiplies how = who_multiplies(weights->type, settings);
  if (how == Multiplies::kEngine) return {};
  product.precision = precision_of(how);
  if (product.precision == Precision::kI14 && product.k % 32 != 0) product.precision = Precision::kF32;
  const int64_t block = block_columns(product.k), tail = product.n % block;
  for (const int64_t columns : {std::min(block, product.n), tail == 0 ? block : tail}) {
    if (packed_bytes({product.precision, std::min(columns, product.n), product.k}) == 0) return {};
  }
  take_following(graph, node, product);
  return product;
}

void compute(const ProductNode& product, const Worker& worker, Reduction* reduction) {
  const Rows a = round_rows(product, worker);
  const Tasks tasks(product, worker);
  if (reduction != nullptr) {
    if (worker.index == 0) reduction->make_room(tasks.columns);
    worker.wait_for_all();
  }
  for (int64_t task; (task = shared.blocks.take(worker, tasks.count())) < tasks.count();) {
    compute_task(product, tasks, task, a, reduction);
  }
}

}  // namespace hre::fast
