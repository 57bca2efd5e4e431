#pragma once
/// The options of every command that opens a model.

#include "cli/command.h"
#include "hre/engine_options.h"

namespace hre::cli {

/// Adds --bos, --max-length, --lora, --chat-template, --threads, --gpu-layers and so on. `options` must outlive the
/// parsing.
void define_model_options(CLI::App& app, EngineOptions& options);

}  // namespace hre::cli
