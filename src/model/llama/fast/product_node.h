#pragma once
/// Products with weights as nodes of a graph: what they are, with the bias and the activation that follow, and how the
/// threads compute them.

#include <ggml.h>

#include <optional>

#include "model/llama/fast/fast_path.h"
#include "model/llama/fast/kernels.h"
#include "model/llama/fast/node_work.h"
#include "model/llama/fast/products.h"

namespace hre::fast {

/// to [m x n] = activation(a [m x k] weights [n x k]^T + bias) + residual. With experts, each row has its own matrix of
/// the weights.
struct ProductNode {
  const ggml_tensor* weights = nullptr;
  const ggml_tensor* from = nullptr;  ///< whose values are a's
  const float* a = nullptr;
  int64_t m = 0, n = 0, k = 0, a_stride = 0;  ///< in values
  const float* bias = nullptr;
  Activation activation = Activation::kNone;
  const float* residual = nullptr;  ///< [m x n]
  float* to = nullptr;
  Precision precision = Precision::kF32;
  int n_nodes = 1;  ///< of the graph that it stands for

  /// Which expert multiplies: [tokens x slots], where m is tokens times slots; null for one matrix. A token has one row
  /// of a for all its slots, or one for each.
  const ggml_tensor* experts = nullptr;
  int64_t a_slots = 1, a_token_stride = 0;
};

/// The output layer's rows, reduced block by block.
struct Reduction {
  std::span<WantedLogit> wanted;
  std::vector<size_t> first_wanted;  ///< by row, and one more
  int64_t n_rows = 0, n_blocks = 0;
  std::vector<float> maxima, sums;  ///< [rows x n_blocks]
  bool done = false;

  void make_room(int64_t blocks);
};

/// The product at this node, if it is one that is computed here.
std::optional<ProductNode> product_at(ggml_cgraph* graph, int node, const Settings& settings);

/// The activation that a node is; kNone for those that hre doesn't compute.
Activation activation_of(const ggml_tensor* node);

/// Rows that are rounded are kept for the next product of the same tensor, until the next graph.
void forget_rounded_rows();

/// Computes it with all threads, each calling this. With a reduction, of as many rows, `to` is left alone.
void compute(const ProductNode& product, const Worker& worker, Reduction* reduction);

}  // namespace hre::fast
