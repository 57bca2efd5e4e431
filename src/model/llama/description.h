#pragma once
/// What of a loaded model goes into a run: how its text is planned, and everything that moves a value.

#include "model/llama/computation_plan.h"
#include "model/token_plan.h"

namespace hre {

/// Context, BOS and long answers, as the model and the options have it.
Result<PlanRules> plan_rules(const llama_model* model, const EngineOptions& options, const std::string& path);

/// The decoder's start and the encoder's end, for models with an encoder.
Result<EncoderDecoderRules> encoder_decoder_rules(const llama_model* model, const EngineOptions& options,
                                                  const std::string& path);

/// Name, fingerprint, architecture, sizes. Hashes files that were not seen before, which takes as long as reading them.
Result<ModelDescription> describe_files(const llama_model* model, const ModelFiles& files);

/// The settings of a description: all that moves a value beyond the files.
using Settings = std::vector<std::pair<std::string, std::string>>;
Result<Settings> describe_settings(const EngineOptions& options, const PlanRules& plan,
                                   const ComputationPlan& computation);

}  // namespace hre
