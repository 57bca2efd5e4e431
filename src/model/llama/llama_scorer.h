#pragma once
/// The folder src/model/llama: GGUF models in process, by libllama: opening, planning how to compute, passes through a
/// context.
///
/// Not here: the arithmetic that hre does itself (fast/, device/) and conversion of checkpoints (src/model/checkpoint).
/// Types:    `ModelFiles` are the headers; `ComputationPlan` decides everything about computing before weights are
///           loaded; `Computation` owns the context; `Pass`, `OpenGroup` and `Cell` (passes.h) are what it computes.
/// Owners:   the scorer owns model, adapters and context; a lost RPC server's objects are leaked (engine.h).
/// Threads:  the engine's threads enter by `fast::EngineCall` alone, one call at a time in a process.
/// To add:   a decision about computing: `plan_computation`. An architecture's proof: architectures.cc.

/// A GGUF model in process: decoders, encoder-decoders, recurrent and hybrid models.

#include <string>

#include "hre/engine_options.h"

namespace hre {

/// Opens a GGUF file, or any part of a split file; `source` is the user's name for it. Refuses models of architectures
/// whose values are known to be wrong; if an architecture has not been checked, a note says so.
Result<std::unique_ptr<Scorer>> open_llama(const std::string& path, const EngineOptions& options,
                                           ProgressListener& progress, const std::string& source = "");

/// "libllama llama_cpp_python-0.3.35, ggml 0.20.0", and its build for this processor.
std::string llama_engine_version();
std::string llama_engine_build();

}  // namespace hre
