#include "model/llama/fast/engine_switches.h"

#if __has_include(<hre-engine.h>)
#include <hre-engine.h>
#define HRE_ENGINE_IS_PATCHED
#elif defined(HRE_ENGINE_BUNDLED)
#error "the engine was built without third_party/engine.patch: run tools/setup.sh engine"
#endif

#ifdef __SANITIZE_THREAD__
#include <sanitizer/tsan_interface.h>
#endif

namespace hre::fast {
namespace {

std::mutex& engine_mutex() {
  static std::mutex mutex;
  return mutex;
}

void set(const EngineSwitches& switches) {
#ifdef HRE_ENGINE_IS_PATCHED
  hre_engine = {switches.node_hook, switches.keeps_cache_type, switches.has_no_logits, switches.gelu_is_erf,
                switches.streams_weights};
#else
  (void)switches;
#endif
}

}  // namespace

#ifdef __SANITIZE_THREAD__
char all_threads;
void give_to_other_threads() { __tsan_release(&all_threads); }
void take_from_other_threads() { __tsan_acquire(&all_threads); }
#else
void give_to_other_threads() {}
void take_from_other_threads() {}
#endif

EngineLock::EngineLock(const EngineSwitches& switches) : alone_(engine_mutex()) { set(switches); }

EngineLock::~EngineLock() { set({}); }

#ifdef HRE_ENGINE_IS_PATCHED

int engine_patch() { return HRE_ENGINE_PATCH; }

void wait_for_threads(ggml_threadpool* pool) {
  give_to_other_threads();
  ggml_barrier(pool);
  take_from_other_threads();
}

std::vector<std::pair<std::string, const ggml_tensor*>> tensors_of(const llama_model* model) {
  const auto& all = llama_internal_get_tensor_map(model);
  return {all.begin(), all.end()};
}

#else

int engine_patch() { return 0; }

void wait_for_threads(ggml_threadpool*) {}

std::vector<std::pair<std::string, const ggml_tensor*>> tensors_of(const llama_model*) { return {}; }

#endif

}  // namespace hre::fast
