#pragma once
/// What hre computes in the place of the engine's CPU code: products with weights, attention, GELU, and the output
/// layer reduced to what a log-probability needs. The engine that tools/setup.sh builds asks before each node of a
/// graph (engine_switches.h); another engine doesn't, and computes all by itself.

#include <chrono>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "model/llama/fast/engine_switches.h"

namespace hre::fast {

/// A logit that is asked for: of a row of the output, in the order of rows.
struct WantedLogit {
  int64_t row = 0;
  int64_t token = 0;
  float logit = 0;  ///< the answer
};

/// Who multiplies weights of a kind, and in what.
enum class Multiplies : uint8_t {
  kEngine,
  kF32,   ///< here; the weights are widened block by block
  kBf16,  ///< here; both sides are rounded to bfloat16, sums are float32
  kI14,   ///< here; both sides are rounded to 14-bit integers by blocks of 32; float32 where rows are not of whole
          ///< blocks
  kI16,   ///< here; Q8_0 as it is, the tokens' side rounded to 16-bit integers by blocks of 32
};

/// What is computed here; the rest is the engine's.
struct Settings {
  Multiplies f32 = Multiplies::kEngine;  ///< kBf16 is not for these
  Multiplies bf16 = Multiplies::kEngine;
  Multiplies q8_0 = Multiplies::kEngine;       ///< kI16 is for these alone
  Multiplies quantised = Multiplies::kEngine;  ///< all other quantised types
  bool attention = false;                      ///< in float32, over keys and values that are cached so

  [[nodiscard]] bool any_products() const {
    return f32 != Multiplies::kEngine || bf16 != Multiplies::kEngine || q8_0 != Multiplies::kEngine ||
           quantised != Multiplies::kEngine;
  }
};

/// Whether hre computes in the engine's place: tools/setup.sh built it, so it asks, and hre's kernels agree with its
/// own (self_check.h).
bool engine_asks();
/// What is wrong with hre's kernels on this machine, as one line for people; empty where nothing is.
std::string kernel_problem();

/// Whether this thread computes a graph together with others.
bool computes_with_others();

/// What the engine asks: hre's own hook, unless a test exchanged it for a broken one.
NodeHook hook_at_hand();
NodeHook exchange_hook(NodeHook hook);
/// hre's own.
int compute_here(ggml_cgraph* graph, int node, int thread, int n_threads, ggml_threadpool* pool);

/// Products, kernels and settings in words, for what a run records.
std::string describe(const Settings& settings);

class WeightStream;

/// What a graph is computed for.
struct Wishes {
  /// Cells of the cache where a question's prefix or an answer's tail begins, ascending from 0: attention goes through
  /// each of them in the same blocks, whatever lies before.
  std::span<const int64_t> starts = {};
  /// The output layer is reduced to these and the rows' normalisers, unless there are none.
  std::span<WantedLogit> wanted = {};
  int64_t n_rows = 0;
  WeightStream* stream = nullptr;  ///< told of each node, where weights are read while a graph is computed
  bool gelu_is_erf = false;        ///< the model's GELU is the exact one, not its tanh form
};

/// Fewer rows than this are multiplied by the engine.
inline constexpr int64_t kFewestRows = 4;

/// One llama_decode or llama_encode, or the opening of a context, and what hre computes of it. One at a time in a
/// process: other threads' calls wait.
class EngineCall {
 public:
  /// What the wishes name must live as long.
  EngineCall(const Settings& settings, const Wishes& wishes);
  ~EngineCall();
  EngineCall(const EngineCall&) = delete;
  EngineCall& operator=(const EngineCall&) = delete;

  /// Whether the output layer was seen and reduced.
  [[nodiscard]] bool reduced() const;
  /// log(sum(exp(logits))) of a row. reduced() must hold.
  [[nodiscard]] double log_sum_exp(int64_t row) const;
  /// Says that the graph is computed: what is left of this call's time counts as the host's.
  void computed();

 private:
  EngineLock lock_;
  std::chrono::steady_clock::time_point start_;
  std::optional<std::chrono::steady_clock::time_point> computed_;
};

}  // namespace hre::fast
