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

#include "hre/speed.h"
#include "model/llama/fast/engine_switches.h"

namespace hre::fast {

/// A logit that is asked for: of a row of the output, in the order of rows.
struct WantedLogit {
  int64_t row = 0;
  int64_t token = 0;
  float logit = 0;  ///< the answer
};

/// What is computed here; the rest is the engine's.
struct Settings {
  bool products = false;  ///< with weights; those of float32 and float16 in float32, the others as follows
  Precision bf16 = Precision::kF32;
  Precision q8_0 = Precision::kF32;       ///< kI16 is for these alone
  Precision quantised = Precision::kF32;  ///< all other quantised types
  bool attention = false;                 ///< in float32, over keys and values that are cached so
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
  bool widens_weights = false;     ///< products are computed as they are defined (reference_products.h)
  bool gelu_is_erf = false;        ///< the model's GELU is the exact one, not its tanh form
};

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
