#pragma once
/// The part of a loaded model that goes into a run: the rules for planning its text, and everything that affects
/// values.

#include "model/llama/computation_plan.h"
#include "model/token_plan.h"

namespace hre {

/// Context length, BOS and long answers, from the model and the options.
Result<PlanRules> plan_rules(const llama_model* model, const EngineOptions& options, const std::string& path);

/// The decoder's start token and the encoder's end token, for models with an encoder.
Result<EncoderDecoderRules> encoder_decoder_rules(const llama_model* model, const EngineOptions& options,
                                                  const std::string& path);

/// Name, fingerprint, architecture, sizes. Hashes new files, which takes as long as reading them.
Result<ModelDescription> describe_files(const llama_model* model, const ModelFiles& files);

/// The settings of a description: everything besides the files that affects values.
using Settings = std::vector<std::pair<std::string, std::string>>;
Result<Settings> describe_settings(const EngineOptions& options, const PlanRules& plan,
                                   const ComputationPlan& computation);

}  // namespace hre
