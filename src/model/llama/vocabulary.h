#pragma once
/// The vocabulary of a GGUF file without its weights, for models that run elsewhere.

#include <functional>
#include <optional>
#include <string>

#include "model/token_plan.h"

namespace hre {

struct LlamaVocabulary {
  Encode encode;                            ///< null: none was loaded
  std::function<std::string(Token)> piece;  ///< a token's bytes; null as well
  std::optional<Token> bos;
  std::string fingerprint;  ///< of the file's content
  bool adds_bos = false;    ///< whether the model wants it in front
};

/// Loads the vocabulary of a .gguf file. Input errors for what is none.
Result<LlamaVocabulary> open_llama_vocabulary(const std::string& path);

}  // namespace hre
