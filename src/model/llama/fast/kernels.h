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
};

/// The functions of one vector width.
struct Kernels {
  const char* name;
  /// keys [d_k x kBlockKeys], values [kBlockKeys x d_v]; no mask: all is seen.
  void (*attend)(const AttentionTask& task, const float* keys, const float* values, const BlockMask* mask);
  /// Takes a sink's logit into each row's softmax.
  void (*add_sink)(const AttentionTask& task, float sink);
  /// to[i] = activation(from[i] + bias[i]) for rows of n values, the rows `stride` apart in `to`; bias may be null.
  void (*finish)(const float* from, size_t rows, size_t n, const float* bias, Activation activation, float* to,
                 size_t stride);
  /// Largest value and sum of exp(value - largest) of each of the rows of n values.
  void (*reduce)(const float* from, size_t rows, size_t n, float* maxima, float* sums, size_t stride);
  void (*to_bf16)(const float* from, size_t n, uint16_t* to);  ///< rounded to nearest even
  void (*from_bf16)(const uint16_t* from, size_t n, float* to);
};

const Kernels& kernels();

/// Every width that this processor has, the narrowest first: for tests.
const Kernels* const* all_kernels(size_t& n);

}  // namespace hre::fast
