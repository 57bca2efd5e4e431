#pragma once
/// Attention as a node of a graph. Computes only the blocks of keys that a block of queries sees.

#include <ggml.h>

#include <optional>
#include <span>

#include "model/llama/fast/node_work.h"

namespace hre::fast {

/// A matrix of heads: values are contiguous; rows and heads are this many values apart.
struct Heads {
  const float* values = nullptr;
  int64_t rows = 0, heads = 0, width = 0;
  int64_t row_stride = 0, head_stride = 0;

  [[nodiscard]] const float* at(int64_t row, int64_t head) const {
    return values + row * row_stride + head * head_stride;
  }
};

/// softmax(softcap(scale q kᵀ) + slope mask) v. Each head of keys and values serves several heads of q.
struct AttentionNode {
  Heads q, k, v;
  const uint16_t* mask = nullptr;  ///< [q.rows x k.rows] in half precision; null: nothing is hidden
  int64_t mask_stride = 0;
  const float* sinks = nullptr;  ///< one logit per head that takes part in the softmax without a value; may be null
  float scale = 1, max_bias = 0, softcap = 0;
  float* to = nullptr;  ///< [q.rows x q.heads x v.width]
  /// Keys at which blocks start anew, ascending, so that a query's result depends only on the blocks of its own part.
  /// Empty: blocks start at 0.
  std::span<const int64_t> starts = {};
};

/// The attention at this node, if hre computes it.
std::optional<AttentionNode> attention_at(const ggml_tensor* node);

/// Masks are kept for the other layers until the next graph; this forgets them.
void forget_masks();

/// Computes the attention with all threads, each of which calls this function. Returns the number of multiplications
/// and additions for the visible keys.
double compute(const AttentionNode& attention, const Worker& worker);

}  // namespace hre::fast
