#include "model/llama/fast/reference_products.h"

#include <ggml-backend.h>
#include <ggml-cpu.h>

#include <algorithm>
#include <vector>

namespace hre::fast {
namespace {

constexpr int64_t kTogether = 16;  // rows of weights widened at once, which stay in the first-level cache

bool is_weight(const ggml_tensor* tensor) {
  const ggml_tensor* whole = tensor->view_src != nullptr ? tensor->view_src : tensor;
  return whole->buffer != nullptr && ggml_backend_buffer_is_host(whole->buffer) &&
         ggml_backend_buffer_get_usage(whole->buffer) == GGML_BACKEND_BUFFER_USAGE_WEIGHTS;
}

bool is_row_of_floats(const ggml_tensor* tensor) {
  return tensor->type == GGML_TYPE_F32 && tensor->nb[0] == sizeof(float);
}

template <class T = char>
T* at(const ggml_tensor* tensor, int64_t a, int64_t b, int64_t c) {
  return reinterpret_cast<T*>(static_cast<char*>(tensor->data) + static_cast<size_t>(a) * tensor->nb[1] +
                              static_cast<size_t>(b) * tensor->nb[2] + static_cast<size_t>(c) * tensor->nb[3]);
}

/// A row of the other operand, and the place of its products.
struct Row {
  const float* from;
  float* to;
};

/// Multiplies one weight matrix by these rows; each thread takes a part of the weights' rows.
void multiply(const ggml_tensor* weights, int64_t b, int64_t c, const std::vector<Row>& rows, const Worker& worker) {
  thread_local std::vector<float> wide;
  const int64_t k = weights->ne[0], n = weights->ne[1];
  const auto to_float = ggml_get_type_traits(weights->type)->to_float;
  const auto dot = ggml_get_type_traits_cpu(GGML_TYPE_F32)->vec_dot;
  wide.resize(static_cast<size_t>(kTogether * k));
  for (int64_t first = kTogether * worker.index; first < n; first += kTogether * worker.count) {
    const int64_t last = std::min(n, first + kTogether);
    for (int64_t i = first; i < last; ++i) to_float(at(weights, i, b, c), wide.data() + (i - first) * k, k);
    for (const Row& row : rows) {
      for (int64_t i = first; i < last; ++i) {
        dot(static_cast<int>(k), row.to + i, 0, wide.data() + (i - first) * k, 0, row.from, 0, 1);
      }
    }
  }
}

void multiply_all(const ggml_tensor* node, const Worker& worker) {
  const ggml_tensor *weights = node->src[0], *others = node->src[1];
  const int64_t per_b = others->ne[2] / weights->ne[2], per_c = others->ne[3] / weights->ne[3];
  for (int64_t c = 0; c < weights->ne[3]; ++c) {
    for (int64_t b = 0; b < weights->ne[2]; ++b) {
      std::vector<Row> rows;
      for (int64_t i = 0; i < others->ne[1] * per_b * per_c; ++i) {
        const int64_t row = i % others->ne[1], of_b = b * per_b + i / others->ne[1] % per_b,
                      of_c = c * per_c + i / others->ne[1] / per_b;
        rows.push_back({at<const float>(others, row, of_b, of_c), at<float>(node, row, of_b, of_c)});
      }
      multiply(weights, b, c, rows, worker);
    }
  }
}

/// Each row is multiplied by the experts that were chosen for it.
void multiply_by_experts(const ggml_tensor* node, const Worker& worker) {
  const ggml_tensor *weights = node->src[0], *others = node->src[1], *chosen = node->src[2];
  for (int64_t expert = 0; expert < weights->ne[2]; ++expert) {
    std::vector<Row> rows;
    for (int64_t token = 0; token < chosen->ne[1]; ++token) {
      const auto* of_token = at<const int32_t>(chosen, token, 0, 0);
      for (int64_t slot = 0; slot < chosen->ne[0]; ++slot) {
        if (of_token[slot] != expert) continue;
        rows.push_back({at<const float>(others, slot % others->ne[1], token, 0), at<float>(node, slot, token, 0)});
      }
    }
    if (!rows.empty()) multiply(weights, expert, 0, rows, worker);
  }
}

}  // namespace

bool compute_reference(const ggml_tensor* node, const Worker& worker) {
  if (node->op != GGML_OP_MUL_MAT && node->op != GGML_OP_MUL_MAT_ID) return false;
  const ggml_tensor* weights = node->src[0];
  if (weights->type == GGML_TYPE_F32 || !is_weight(weights) || !is_row_of_floats(node->src[1])) return false;
  if (!is_row_of_floats(node) || ggml_get_type_traits(weights->type)->to_float == nullptr) return false;
  if (node->op == GGML_OP_MUL_MAT_ID) {
    multiply_by_experts(node, worker);
  } else {
    multiply_all(node, worker);
  }
  return true;
}

}  // namespace hre::fast
