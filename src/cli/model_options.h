#pragma once
/// The options of every command that opens a model.

#include <string>

#include "cli/command.h"
#include "hre/engine_options.h"

namespace hre::cli {

/// Adds --bos, --max-length, --lora, --chat-template, --threads, --gpu-layers and so on. `options` must outlive the
/// parsing.
void define_model_options(CLI::App& app, EngineOptions& options);

/// What a model's description says of itself under this name; empty where it says nothing.
std::string setting_of(const ModelDescription& model, const std::string& name);

}  // namespace hre::cli
