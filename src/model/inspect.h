#pragma once
/// Describes a model without scoring anything.

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "hre/engine_options.h"

namespace hre {

struct ModelFacts {
  ModelDescription description;  ///< as a run would record it
  int n_files = 1;
  std::string vocabulary;     ///< "BPE (gpt-2)"; this and all following members are empty for baselines
  int64_t n_tokens = 0;       ///< size of the vocabulary
  std::string bos, eos;       ///< the tokens' texts; empty if the vocabulary has none
  bool adds_bos = false;      ///< what --bos auto would do
  std::string chat_template;  ///< the model's own; empty if it has none
  uint64_t weight_bytes = 0, cache_bytes = 0, compute_bytes = 0;  ///< memory needed to score, estimated
};

/// Opens MODEL as open_model does, and describes it.
Result<ModelFacts> inspect_model(const std::string& source, const EngineOptions& options, ProgressListener& progress,
                                 const std::stop_token& stop);

/// A GGUF file's vocabulary, to show how text becomes tokens.
class FileTokenizer {
 public:
  virtual ~FileTokenizer() = default;
  /// Adds no special tokens; recognises special tokens in the text.
  [[nodiscard]] virtual Result<std::vector<Token>> encode(std::string_view text) const = 0;
};
Result<std::unique_ptr<FileTokenizer>> open_tokenizer(const std::string& path);

}  // namespace hre
