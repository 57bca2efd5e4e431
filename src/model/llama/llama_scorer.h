#pragma once
/// A GGUF model in process.

#include <string>

#include "hre/scorer.h"

namespace hre {

/// How a question's answers are computed.
enum class Passes {
  kShared,     ///< the shared prefix once, in one batch with all answers
  kPerAnswer,  ///< one pass an answer: the plain path, for checks and for models whose state can't be shared
};

/// Opens a GGUF file. Models with recurrent state are computed one pass an answer.
Result<std::unique_ptr<Scorer>> open_llama(const std::string& path, const ModelOptions& options,
                                           Passes passes = Passes::kShared);

/// "libllama llama_cpp_python-0.3.35, ggml 0.20.0" and how it was built for this processor.
std::string llama_engine_version();
std::string llama_engine_build();

}  // namespace hre
