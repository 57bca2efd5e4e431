#pragma once
/// What a loaded model is: the rules that follow from its metadata, and the description that goes into a run.

#include "model/llama/computation.h"
#include "model/llama/gguf_header.h"
#include "model/token_plan.h"

namespace hre {

/// A model's files, as hre reads them before libllama does.
struct ModelFiles {
  std::vector<std::string> parts;
  std::vector<GgufHeader> headers;  ///< one a part; the first has the metadata

  [[nodiscard]] const GgufHeader& main() const { return headers.front(); }
  [[nodiscard]] bool has_tensor(const std::string& name) const;
  [[nodiscard]] uint64_t tensor_bytes() const;
};

/// Reads and checks the headers of a GGUF file or of all parts of a split one.
Result<ModelFiles> read_model_files(const std::string& path);

/// How byte-level BPE cuts text into words before it merges bytes, where the file does not say: as GPT-2, for
/// architectures whose models all do; an error for others, since libllama would go on with wrong tokens. Empty where
/// the file says it.
Result<std::string> pre_tokenizer_for(const ModelFiles& files);

/// The files' vocabulary and metadata, without the weights.
Result<LlamaModel> load_vocabulary(const ModelFiles& files);

/// Context, BOS and long answers, as the model and the options have it.
Result<PlanRules> plan_rules(const llama_model* model, const EngineOptions& options, const std::string& path);

/// The decoder's start and the encoder's end, for models with an encoder.
Result<EncoderDecoderRules> encoder_decoder_rules(const llama_model* model, const EngineOptions& options,
                                                  const std::string& path);

/// Whether hre computes a model's attention itself, without masked-out scores; known without measuring kernels.
bool attends_here(const ModelFiles& files, const EngineOptions& options);

/// Which of hre's kernels a model is computed with.
fast::Settings kernels_for(const ModelFiles& files, const EngineOptions& options);

/// Whether the engine multiplies a model's quantised weights, or experts, which are always the engine's.
bool engine_multiplies_quantised(const ModelFiles& files, const EngineOptions& options);

ComputationRules computation_rules(const llama_model* model, const ModelFiles& files, const EngineOptions& options);

/// Name, fingerprint, architecture, sizes. Hashes files that were not seen before, which takes as long as reading them.
Result<ModelDescription> describe_files(const llama_model* model, const ModelFiles& files);

/// The settings of a description: all that moves a value beyond the files.
using Settings = std::vector<std::pair<std::string, std::string>>;
Result<Settings> describe_settings(const EngineOptions& options, const PlanRules& plan,
                                   const ComputationRules& computation);

}  // namespace hre
