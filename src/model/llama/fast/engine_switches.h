#pragma once
/// The process-wide switches that third_party/engine.patch adds to the engine. No other code of hre touches them. An
/// engine without the patch has no switches, and computes every graph by itself.

#include <mutex>
#include <string>
#include <utility>
#include <vector>

struct ggml_cgraph;
struct ggml_tensor;
struct ggml_threadpool;
struct llama_model;

namespace hre::fast {

/// The number of the patch with which the linked engine was built; 0: without a patch.
int engine_patch();

/// Called by each thread of a graph before each node. Returns how many nodes, from this one on, it has computed.
using NodeHook = int (*)(ggml_cgraph* graph, int node, int thread, int n_threads, ggml_threadpool* pool);

/// The ways in which the engine deviates from its own behaviour. Without the patch they have no effect.
struct EngineSwitches {
  NodeHook node_hook = nullptr;
  bool keeps_cache_type = false;  ///< flash attention gets keys and values in the cache's type, not in half precision
  bool has_no_logits = false;     ///< a context reserves no room for logits, and copies none
  bool gelu_is_erf = false;       ///< GELU is the exact form, not the tanh form, in graphs made from now on
  bool streams_weights = false;   ///< loading a model maps its weights without reading them
};

/// Sets the switches while a graph is made or computed, or a model loaded; they are off afterwards. Only one lock
/// exists at a time in a process: other threads wait.
class EngineLock {
 public:
  explicit EngineLock(const EngineSwitches& switches = {});
  ~EngineLock();
  EngineLock(const EngineLock&) = delete;
  EngineLock& operator=(const EngineLock&) = delete;

 private:
  std::lock_guard<std::mutex> alone_;
};

/// Waits until all threads of the current graph have called this. Only for use in a hook.
void wait_for_threads(ggml_threadpool* pool);

/// What a thread of a graph wrote before it gave is read by the threads that take after it. The engine's waiting and
/// OpenMP's see to that; only the thread sanitizer, for which neither is built, must be told. No-ops elsewhere.
void give_to_other_threads();
void take_from_other_threads();

/// A model's tensors by name; empty without the patch.
std::vector<std::pair<std::string, const ggml_tensor*>> tensors_of(const llama_model* model);

}  // namespace hre::fast
