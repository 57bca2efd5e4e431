/// The one list of what a MODEL can be.

#include "core/text.h"
#include "hre/scorer.h"
#include "model/baseline/baseline.h"
#include "model/llama/llama_scorer.h"

namespace hre {

Result<std::unique_ptr<Scorer>> open_model(const std::string& source, const ModelOptions& options) {
  const std::string accepted = "MODEL is a path to a .gguf file, baseline:length or baseline:zstd";
  if (source == "baseline:length") return open_length_baseline();
  if (source == "baseline:zstd") return open_zstd_baseline();
  if (source.starts_with("baseline:")) {
    const auto nearest = nearest_name(source, {"baseline:length", "baseline:zstd"});
    return input_error("there is no such baseline" + (nearest ? "; did you mean " + *nearest + "?" : std::string()),
                       source, nearest ? "" : accepted);
  }
  for (const char* scheme : {"hf:", "server:", "http://", "https://"}) {
    if (source.starts_with(scheme)) return input_error("this kind of model is not supported", source, accepted);
  }
  return open_llama(source, options);
}

std::string engine_description() { return llama_engine_version() + "\n" + llama_engine_build(); }

}  // namespace hre
