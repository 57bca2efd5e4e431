#pragma once
/// The folder src/model/llama/fast: hre's own products, attention and output layer on the CPU, in place of the
/// engine's.
///
/// Not here: which of them a model gets (`plan_computation`), and anything that changes with the number of threads.
/// Types:    `KernelSettings` say what hre computes; `EngineCall` is one graph; `ProductNode` and `AttentionNode` are a
///           node's work; `Kernels` are an instruction set's loops.
/// Owners:   an `EngineCall` owns the process-wide switches while it lives; memory for packed weights belongs to a
///           thread (`Room`).
/// Threads:  all of a graph's threads enter each node together (node_work.h); a row's value depends on no other row.
/// To add:   an instruction set: isa.h, kernel_table.cc, kernels.cc. A node: a case in `compute_here`.

/// The work that hre does in place of the engine's CPU code: products with weights, attention, GELU, and the reduction
/// of the output layer to what a log-probability needs. The engine that tools/setup.sh builds calls hre before each
/// node of a graph (engine_switches.h); any other engine computes everything by itself.

#include <chrono>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "model/llama/fast/engine_switches.h"
#include "model/speed.h"

namespace hre::fast {

/// A wanted logit of a row of the output; wanted logits are in the order of rows.
struct WantedLogit {
  int64_t row = 0;
  int64_t token = 0;
  float logit = 0;  ///< the result
};

/// What hre computes; the engine computes the rest.
struct KernelSettings {
  bool products = false;  ///< with weights: float32 and float16 weights in float32, others as follows
  Precision bf16 = Precision::kF32;
  Precision q8_0 = Precision::kF32;       ///< the only type for kI16
  Precision quantised = Precision::kF32;  ///< all other quantised types
  bool attention = false;                 ///< in float32, if keys and values are cached in float32
};

/// True if the linked engine calls hre's node hook (it was built by tools/setup.sh) and hre's kernels agree with the
/// engine's own (self_check.h).
bool engine_asks();
/// What is wrong with hre's kernels on this machine, as one line for the user; empty if nothing is.
std::string kernel_problem();

/// Whether this thread computes a graph together with other threads.
bool computes_with_others();

/// The function that the engine calls: hre's own hook, unless a test has replaced it by a broken one.
NodeHook hook_at_hand();
NodeHook exchange_hook(NodeHook hook);
/// hre's own hook.
int compute_here(ggml_cgraph* graph, int node, int thread, int n_threads, ggml_threadpool* pool);

/// Products, kernels and settings in words, as a run records them.
std::string describe(const KernelSettings& settings);

class WeightStream;

/// What a graph must provide.
struct Wishes {
  /// Cells of the cache where a question's prefix or an answer's tail begins, ascending from 0. Attention divides each
  /// part into the same blocks, whatever comes before it.
  std::span<const int64_t> starts = {};
  /// The output layer is reduced to these logits and the rows' log-sum-exps. Empty: it is not reduced.
  std::span<WantedLogit> wanted = {};
  int64_t n_rows = 0;
  WeightStream* stream = nullptr;  ///< notified before each node, if weights are read while a graph is computed
  bool widens_weights = false;     ///< widens narrow weights to float32 for products (reference_products.h)
  bool gelu_is_erf = false;        ///< the model's GELU is the exact form, not the tanh form
};

/// One llama_decode or llama_encode, or the opening of a context, with what hre computes for it. Only one call runs at
/// a time in a process: other threads wait.
class EngineCall {
 public:
  /// The objects that `wishes` refers to must outlive the call.
  EngineCall(const KernelSettings& settings, const Wishes& wishes);
  ~EngineCall();
  EngineCall(const EngineCall&) = delete;
  EngineCall& operator=(const EngineCall&) = delete;

  /// Whether the output layer was found and reduced.
  [[nodiscard]] bool reduced() const;
  /// log(sum(exp(logits))) of a row. Only valid if reduced().
  [[nodiscard]] double log_sum_exp(int64_t row) const;
  /// Marks the end of the graph's computation: the rest of this call's time counts as host time.
  void computed();

 private:
  EngineLock lock_;
  std::chrono::steady_clock::time_point start_;
  std::optional<std::chrono::steady_clock::time_point> computed_;
};

}  // namespace hre::fast
