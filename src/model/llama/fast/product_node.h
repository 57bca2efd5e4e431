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

/// to [m x n] = activation(a [m x k] weights [n x k]^T + bias).
struct ProductNode {
  const ggml_tensor* weights = nullptr;
  const float* a = nullptr;
  int64_t m = 0, n = 0, k = 0, a_stride = 0;  ///< in values
  const float* bias = nullptr;
  Activation activation = Activation::kNone;
  float* to = nullptr;
  Precision precision = Precision::kF32;
  int n_nodes = 1;  ///< of the graph that it stands for
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

/// The product at this node, if it is one of at least so many rows that is computed here.
std::optional<ProductNode> product_at(ggml_cgraph* graph, int node, int64_t fewest_rows, const Settings& settings);

/// What hre multiplies in; float32 for kEngine, which does not ask.
Precision precision_of(Multiplies how);

/// The activation that a node is; kNone for those that hre doesn't compute.
Activation activation_of(const ggml_tensor* node);

/// Computes it with all threads, each calling this. With a reduction, of as many rows, `to` is left alone.
void compute(const ProductNode& product, const Worker& worker, Reduction* reduction);

}  // namespace hre::fast
