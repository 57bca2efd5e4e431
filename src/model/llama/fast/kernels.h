#pragma once
/// The loops of the fast path over plain arrays, compiled for several vector widths, of which the widest is used that
/// the processor has. All are float32. A row's result depends only on that row, not on rows that are computed with it.

#include <cstddef>
#include <cstdint>

namespace hre::fast {

enum class Activation { kNone, kGeluTanh, kGeluErf };

/// Rows and keys of a block of attention; queries are processed in tiles of kTileRows.
inline constexpr int kBlockRows = 48, kBlockKeys = 64, kTileRows = 6;

/// The mask between a block of queries and a block of keys, if it hides some pairs.
struct BlockMask {
  float values[kBlockRows * kBlockKeys];  ///< added to logits
  /// The range that contains all keys that any row of a tile sees; first == last: none.
  struct Keys {
    uint8_t first = 0, last = 0;
  } tiles[kBlockRows / kTileRows];
};

/// One head's attention of kBlockRows queries to blocks of kBlockKeys keys, accumulated block by block.
struct AttentionTask {
  int d_k = 0, d_v = 0;            ///< length of a key, and of a value padded to the widest vector
  float softcap = 0;               ///< logits are q k, then softcap * tanh(logit / softcap) unless it is 0
  float slope = 1;                 ///< factor for the mask (ALiBi)
  const float* queries = nullptr;  ///< [kBlockRows x d_k], multiplied by the scale of the logits
  float* scores = nullptr;         ///< [kBlockRows x kBlockKeys], a buffer
  float* sums = nullptr;           ///< [kBlockRows x d_v]: weighted sums of values
  float* maxima = nullptr;         ///< [kBlockRows]: largest logit so far
  float* weights = nullptr;        ///< [kBlockRows]: sum of exp(logit - maximum)
  /// Whether the block's values are all finite. If not, they must not reach rows that don't see them, because 0 times
  /// infinity is NaN.
  bool finite_values = true;
};

/// A gated activation: to = f(gate) * up.
enum class Gate { kSilu, kGeluTanh, kGeluErf };

/// The functions of one vector width.
struct Kernels {
  const char* name;
  /// Columns per panel: float32 weights are packed as [panels x k x columns], and the last panel is padded with zeros.
  int panel_columns;
  /// Packs n rows of k weights, one after another.
  void (*pack)(const float* rows, int64_t n, int64_t k, float* packed);
  /// c [m x n] = a [m x k] W^T; the strides of a and c are in values. Each value of c is one chain of fused
  /// multiply-adds over k, in order, at every width, so it depends only on its row and column.
  void (*multiply)(const float* a, int64_t a_stride, const float* packed, int64_t m, int64_t n, int64_t k, float* c,
                   int64_t c_stride);
  /// keys [d_k x kBlockKeys], values [kBlockKeys x d_v]; no mask: nothing is hidden.
  void (*attend)(const AttentionTask& task, const float* keys, const float* values, const BlockMask* mask);
  /// Adds a sink's logit to each row's softmax.
  void (*add_sink)(const AttentionTask& task, float sink);
  /// values[i] = activation(values[i] + bias[i]) for rows of n values, `stride` apart; bias may be null.
  void (*finish)(float* values, size_t rows, size_t n, const float* bias, Activation activation, size_t stride);
  /// values[i] += others[i] for rows of n values, both `stride` apart.
  void (*add)(float* values, const float* others, size_t rows, size_t n, size_t stride);
  /// The largest value and the sum of exp(value - largest) for each row of n values.
  void (*reduce)(const float* from, size_t rows, size_t n, float* maxima, float* sums, size_t stride);
  /// to[i] = gate(gates[i]) * ups[i] for n values.
  void (*gate)(Gate gate, const float* gates, const float* ups, size_t n, float* to);
  /// to[i] = x[i] / sqrt(mean(x^2) + epsilon) * weights[i] for n values; weights may be null. At every width the
  /// squares are added in double precision, in 16 chains, so the bits are the same.
  void (*rms_norm)(const float* x, size_t n, float epsilon, const float* weights, float* to);
  /// to[i] = from[i] * factor + shift for n values.
  void (*widen_bytes)(const int8_t* from, size_t n, float factor, float shift, float* to);
  void (*to_bf16)(const float* from, size_t n, uint16_t* to);  ///< rounded to nearest even
  void (*from_bf16)(const uint16_t* from, size_t n, float* to);
};

const Kernels& kernels();

/// The kernels of every width that isa() allows, narrowest first: for tests.
const Kernels* const* all_kernels(size_t& n);

}  // namespace hre::fast
