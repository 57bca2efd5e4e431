#pragma once
/// The vocabulary of a GGUF file without its weights, for models that are computed elsewhere.

#include <functional>
#include <optional>
#include <string>

#include "model/token_plan.h"

namespace hre {

struct LlamaVocabulary {
  Encode encode;                            ///< null: no vocabulary was loaded
  std::function<std::string(Token)> piece;  ///< a token's bytes; may be null, too
  std::optional<Token> bos;
  std::string fingerprint;  ///< content hash of the file
  bool adds_bos = false;    ///< whether the model wants BOS before a text
};

/// Loads the vocabulary of a .gguf file. Input errors if it is not one.
Result<LlamaVocabulary> open_llama_vocabulary(const std::string& path);

}  // namespace hre
