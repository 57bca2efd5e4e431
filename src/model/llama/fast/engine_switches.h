#pragma once
/// What tools/setup.sh adds to the engine (third_party/engine.patch): switches that are the whole process's. Nothing
/// else in hre touches them. An engine without the patch has none, and computes every graph by itself.

#include <mutex>
#include <string>
#include <utility>
#include <vector>

struct ggml_cgraph;
struct ggml_tensor;
struct ggml_threadpool;
struct llama_model;

namespace hre::fast {

/// The number of the patch that the linked engine was built with; 0: without one.
int engine_patch();

/// Called by each thread of a graph before each node: how many nodes, from this one on, it has computed.
using NodeHook = int (*)(ggml_cgraph* graph, int node, int thread, int n_threads, ggml_threadpool* pool);

/// What the engine does otherwise than by itself. Without a patch nothing follows from them.
struct EngineSwitches {
  NodeHook node_hook = nullptr;
  bool keeps_cache_type = false;  ///< flash attention gets keys and values as they are cached, not in half precision
  bool has_no_logits = false;     ///< a context keeps no room for logits, and copies none
  bool gelu_is_erf = false;       ///< GELU is the exact one, not its tanh form, in graphs made from now on
  bool streams_weights = false;   ///< loading a model maps its weights without reading them
};

/// Holds the switches while a graph is made or computed, or a model loaded; they are off afterwards. One at a time in a
/// process: others wait.
class EngineLock {
 public:
  explicit EngineLock(const EngineSwitches& switches = {});
  ~EngineLock();
  EngineLock(const EngineLock&) = delete;
  EngineLock& operator=(const EngineLock&) = delete;

 private:
  std::lock_guard<std::mutex> alone_;
};

/// Waits until all threads of the graph at hand are here. Called from a hook alone.
void wait_for_threads(ggml_threadpool* pool);

/// A model's tensors by name; none without a patch.
std::vector<std::pair<std::string, const ggml_tensor*>> tensors_of(const llama_model* model);

}  // namespace hre::fast
