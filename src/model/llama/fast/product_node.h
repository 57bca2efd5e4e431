#pragma once
/// Products with weights as nodes of a graph: recognises them, with the bias and the activation that follow, and
/// computes them with all threads.

#include <ggml.h>

#include <optional>

#include "model/llama/fast/fast_path.h"
#include "model/llama/fast/kernels.h"
#include "model/llama/fast/node_work.h"
#include "model/llama/fast/products.h"

namespace hre::fast {

/// to [m x n] = activation(a [m x k] weights [n x k]^T + bias) + residual. With experts, each row is multiplied by the
/// weight matrix of its expert.
struct ProductNode {
  const ggml_tensor* weights = nullptr;
  const ggml_tensor* from = nullptr;  ///< the tensor that holds a's values
  const float* a = nullptr;
  int64_t m = 0, n = 0, k = 0, a_stride = 0;  ///< in values
  const float* bias = nullptr;
  Activation activation = Activation::kNone;
  const float* residual = nullptr;  ///< [m x n]
  float* to = nullptr;
  Precision precision = Precision::kF32;
  int n_nodes = 1;  ///< the number of the graph's nodes that it replaces

  /// The experts' numbers: [tokens x slots], where m is tokens times slots; null for a single matrix. A token has one
  /// row of a for all its slots, or one row for each slot.
  const ggml_tensor* experts = nullptr;
  int64_t a_slots = 1, a_token_stride = 0;
};

/// The output layer's rows, reduced block by block.
struct Reduction {
  std::span<WantedLogit> wanted;
  std::vector<size_t> first_wanted;  ///< one entry per row, and one more
  int64_t n_rows = 0, n_blocks = 0;
  std::vector<float> maxima, sums;  ///< [rows x n_blocks]
  bool done = false;

  void make_room(int64_t blocks);
};

/// The product at this node, if hre computes it.
std::optional<ProductNode> product_at(ggml_cgraph* graph, int node, const KernelSettings& settings);

/// The activation that a node computes; kNone if hre doesn't compute it.
Activation activation_of(const ggml_tensor* node);

/// Rounded rows are kept for further products of the same tensor until the next graph; this forgets them.
void forget_rounded_rows();

/// Computes the product with all threads, each of which calls this function. With a reduction, which must have as many
/// rows, `to` is not written.
void compute(const ProductNode& product, const Worker& worker, Reduction* reduction);

}  // namespace hre::fast
