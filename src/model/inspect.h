#pragma once
/// What a model is, without scoring anything.

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "hre/engine_options.h"

namespace hre {

struct ModelFacts {
  ModelDescription description;  ///< as a run would have it
  int n_files = 1;
  std::string vocabulary;     ///< "BPE (gpt-2)"; empty for baselines, as all that follows
  int64_t n_tokens = 0;       ///< of the vocabulary
  std::string bos, eos;       ///< the tokens' texts; empty where there is none
  bool adds_bos = false;      ///< what --bos auto does
  std::string chat_template;  ///< the model's own; empty where there is none
  uint64_t weight_bytes = 0, cache_bytes = 0, compute_bytes = 0;  ///< memory needed to score, estimated
};

/// Opens MODEL as open_model does, and says what it found.
Result<ModelFacts> inspect_model(const std::string& source, const EngineOptions& options, ProgressListener& progress,
                                 const std::stop_token& stop);

/// A GGUF file's vocabulary, to see how text becomes tokens.
class Tokenizer {
 public:
  virtual ~Tokenizer() = default;
  /// No special token added; special tokens in the text are recognised.
  [[nodiscard]] virtual Result<std::vector<Token>> encode(std::string_view text) const = 0;
};
Result<std::unique_ptr<Tokenizer>> open_tokenizer(const std::string& path);

}  // namespace hre
