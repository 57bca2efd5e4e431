#pragma once
/// Attention as a node of a graph: only the blocks of keys that a block of queries sees are computed.

#include <ggml.h>

#include <optional>
#include <span>

#include "model/llama/fast/node_work.h"

namespace hre::fast {

/// A matrix of heads: values follow each other, rows and heads are so many values apart.
struct Heads {
  const float* values = nullptr;
  int64_t rows = 0, heads = 0, width = 0;
  int64_t row_stride = 0, head_stride = 0;

  [[nodiscard]] const float* at(int64_t row, int64_t head) const {
    return values + row * row_stride + head * head_stride;
  }
};

/// softmax(softcap(scale q kᵀ) + slope mask) v, each key's and value's head serving several of q's.
struct AttentionNode {
  Heads q, k, v;
  const uint16_t* mask = nullptr;  ///< [q.rows x k.rows] in half precision; null: all is seen
  int64_t mask_stride = 0;
  const float* sinks = nullptr;  ///< a logit a head that takes part in the softmax without a value; may be null
  float scale = 1, max_bias = 0, softcap = 0;
  float* to = nullptr;  ///< [q.rows x q.heads x v.width]
  /// Keys where blocks begin anew, ascending: what a query gives depends on its own part's blocks alone. None: from 0.
  std::span<const int64_t> starts = {};
};

/// The attention at this node, if it is one that is computed here.
std::optional<AttentionNode> attention_at(const ggml_tensor* node);

/// What was read of masks is kept for the attention of other layers, until the next graph.
void forget_masks();

/// Computes it with all threads, each calling this. Gives the multiplications and additions for the keys that are seen.
double compute(const AttentionNode& attention, const Worker& worker);

}  // namespace hre::fast
