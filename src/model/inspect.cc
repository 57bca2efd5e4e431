#include "model/inspect.h"

#include "core/files.h"
#include "model/checkpoint/checkpoint.h"
#include "model/llama/llama_facts.h"

namespace hre {

Result<ModelFacts> inspect_model(const std::string& source, const EngineOptions& options, ProgressListener& progress,
                                 const std::stop_token& stop) {
  std::string path = source;
  if (is_checkpoint(source)) {
    auto converted = converted_checkpoint(source, progress, stop);
    if (!converted) return forward(converted);
    path = *converted;
  }
  if (path_exists(path) && !is_folder(path)) return llama_facts(path, options, source);
  auto model = open_model(source, options, progress, stop);  // baselines, and errors for anything else
  if (!model) return forward(model);
  ModelFacts facts;
  facts.description = (*model)->describe();
  return facts;
}

}  // namespace hre
