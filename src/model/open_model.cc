/// The one list of what a MODEL can be.

#include <algorithm>

#include "core/cores.h"
#include "core/files.h"
#include "core/text.h"
#include "hre/engine_options.h"
#include "model/baseline/baseline.h"
#include "model/checkpoint/checkpoint.h"
#include "model/crew/crew.h"
#include "model/crew/forked_crew.h"
#include "model/llama/fast/isa.h"
#include "model/llama/fast/products.h"
#include "model/llama/llama_scorer.h"
#include "model/option_names.h"
#include "model/server/server_scorer.h"

namespace hre {
namespace {

bool is_server(const std::string& source) { return source.starts_with("server:"); }
bool is_baseline(const std::string& source) { return source.starts_with("baseline:"); }

/// Refuses options that this kind of model doesn't take.
Status check_uses(const std::string& source, const EngineOptions& options) {
  for (const OptionUse& option : kOptionUses) {
    const char* why = nullptr;
    if (is_server(source)) why = option.not_by_server;
    if (is_baseline(source)) why = option.not_by_baseline;
    if (why == nullptr || !option.given(options)) continue;
    return input_error(why, option.name, is_server(source) ? option.next : "");
  }
  return {};
}

Result<std::unique_ptr<Scorer>> open_one(const std::string& source, const EngineOptions& options,
                                         ProgressListener& progress, const std::stop_token& stop) {
  std::vector<std::string> baselines;
  for (const NamedBaseline& baseline : kBaselines) {
    if (source == baseline.name) return baseline.open();
    baselines.emplace_back(baseline.name);
  }
  const std::string accepted =
      "MODEL is a path to a .gguf file or a checkpoint folder, server:URL, " + join(baselines, " or ");
  if (is_baseline(source)) {
    const auto nearest = nearest_name(source, baselines);
    return input_error("there is no such baseline" + (nearest ? "; did you mean " + *nearest + "?" : std::string()),
                       source, nearest ? "" : accepted);
  }
  if (is_server(source)) return open_server(source, options);
  if (source.starts_with("http://") || source.starts_with("https://")) {
    return input_error("a server's URL needs server: in front", "MODEL", "give server:URL[,model=NAME]");
  }
  if (source.starts_with("hf:")) return input_error("this kind of model is not supported", source, accepted);
  if (is_folder(source)) {
    if (!is_checkpoint(source)) return input_error("is a folder without a config.json", source, accepted);
    auto converted = converted_checkpoint(source, progress, stop);
    if (!converted) return forward(converted);
    return open_llama(*converted, options, progress, source);
  }
  return open_llama(source, options, progress, source);
}

}  // namespace

Result<std::unique_ptr<Scorer>> open_model(const std::string& source, const EngineOptions& options,
                                           ProgressListener& progress, const std::stop_token& stop) {
  if (auto ok = check_uses(source, options); !ok) return forward(ok);
  if (options.workers <= 1) return open_one(source, options, progress, stop);
  if (!options.rpc.empty()) {
    return input_error("an rpc-server serves one process at a time", "‹workers›", "leave out ‹workers› or ‹rpc›");
  }
  EngineOptions share = options;  // each worker's share of the cores
  if (share.threads <= 0) share.threads = std::max(1, usable_cores() / options.workers);
  share.gpu_layers = 0;  // a device's state does not survive a fork
  auto model = open_one(source, share, progress, stop);
  if (!model) return model;
  const MakeCrew workers = [n = options.workers](Scorer& scorer) { return fork_crew(scorer, n); };
  return score_by_crew(std::move(*model), workers, options.server.note);
}

Result<std::unique_ptr<Scorer>> open_model(const std::string& source, const ModelOptions& options) {
  SilentProgress silent;
  return open_model(source, EngineOptions(options), silent, {});
}

std::string engine_description() {
  const std::string products = fast::onednn_version();
  return llama_engine_version() + "\n" + llama_engine_build() + "\nhre's kernels for " + fast::name_of(fast::isa()) +
         (products.empty() ? "" : ", " + products);
}

}  // namespace hre
