#pragma once
/// The loops of the fast path over plain arrays, compiled for several vector widths; the widest that the processor has
/// is taken. All in float32; what a row gives depends on that row alone, not on those that are computed with it.

#include <cstddef>
#include <cstdint>

namespace hre::fast {

enum class Activation { kNone, kGeluTanh, kGeluErf };

/// Rows and keys of a block of attention; queries are taken in tiles of so many rows.
inline constexpr int kBlockRows = 48, kBlockKeys = 64, kTileRows = 6;

/// What a block of queries sees of a block of keys that hides some.
struct BlockMask {
  float values[kBlockRows * kBlockKeys];  ///< added to logits
  /// The keys that any row of a tile sees lie within these; first == last: none.
  struct Keys {
    uint8_t first = 0, last = 0;
  } tiles[kBlockRows / kTileRows];
};

/// One head's attention of kBlockRows queries to blocks of kBlockKeys keys, accumulated block by block.
struct AttentionTask {
  int d_k = 0, d_v = 0;            ///< a key's values, and a value's padded to the widest vector
  float scale = 1, softcap = 0;    ///< logits are scale * q k, then softcap * tanh(logit / softcap) where it's not 0
  float slope = 1;                 ///< what the mask is multiplied by (ALiBi)
  const float* queries = nullptr;  ///< [kBlockRows x d_k]
  float* scores = nullptr;         ///< [kBlockRows x kBlockKeys], room
  float* sums = nullptr;           ///< [kBlockRows x d_v]: of values, weighted
  float* maxima = nullptr;         ///< [kBlockRows]: largest logit so far
  float* weights = nullptr;        ///< [kBlockRows]: sum of exp(logit - maximum)
  /// Whether the block's values are all finite. Others must not reach rows that don't see them: 0 times infinity is
  /// NaN.
  bool finite_values = true;
};

/// A gated activation: to = f(gate) * up.
enum class Gate { kSilu, kGeluTanh, kGeluErf };

/// The functions of one vector width.
struct Kernels {
  const char* name;
  /// Columns of a panel: float32 weights are packed [panels x k x columns], the last panel filled up with zeros.
  int panel_columns;
  /// Packs n rows of k weights, one after another.
  void (*pack)(const float* rows, int64_t n, int64_t k, float* packed);
  /// c [m x n] = a [m x k] W^T, a's and c's rows so many values apart. Each value of c is one chain of fused
  /// multiplications and additions over k, in order, in every width: what it gives depends on its row and column alone.
  void (*multiply)(const float* a, int64_t a_stride, const float* packed, int64_t m, int64_t n, int64_t k, float* c,
                   int64_t c_stride);
  /// keys [d_k x kBlockKeys], values [kBlockKeys x d_v]; no mask: all is seen.
  void (*attend)(const AttentionTask& task, const float* keys, const float* values, const BlockMask* mask);
  /// Takes a sink's logit into each row's softmax.
  void (*add_sink)(const AttentionTask& task, float sink);
  /// values[i] = activation(values[i] + bias[i]) for rows of n values, `stride` apart; bias may be null.
  void (*finish)(float* values, size_t rows, size_t n, const float* bias, Activation activation, size_t stride);
  /// values[i] += others[i] for rows of n values, both `stride` apart.
  void (*add)(float* values, const float* others, size_t rows, size_t n, size_t stride);
  /// Largest value and sum of exp(value - largest) of each of the rows of n values.
  void (*reduce)(const float* from, size_t rows, size_t n, float* maxima, float* sums, size_t stride);
  /// to[i] = gate(gates[i]) * ups[i] for n values.
  void (*gate)(Gate gate, const float* gates, const float* ups, size_t n, float* to);
  /// Of 16 bytes, to[i] = factor * (low four bits of byte i) + shift, and to[16 + i] the same of the high four bits.
  void (*widen_nibbles)(const uint8_t* bytes, float factor, float shift, float* to);
  void (*to_bf16)(const float* from, size_t n, uint16_t* to);  ///< rounded to nearest even
  void (*from_bf16)(const uint16_t* from, size_t n, float* to);
};

const Kernels& kernels();

/// Every width that isa() allows, the narrowest first: for tests.
const Kernels* const* all_kernels(size_t& n);

}  // namespace hre::fast
