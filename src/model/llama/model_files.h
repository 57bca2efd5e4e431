#pragma once
/// A model's GGUF files, as hre reads them before libllama does.

#include <cstdint>
#include <string>
#include <vector>

#include "model/llama/engine.h"
#include "model/llama/gguf_header.h"

namespace hre {

struct ModelFiles {
  std::vector<std::string> parts;
  std::vector<GgufHeader> headers;  ///< one per part; the first has the metadata

  [[nodiscard]] const GgufHeader& main() const { return headers.front(); }
  [[nodiscard]] std::string architecture() const { return main().text("general.architecture"); }
  /// Null if no part has a tensor of that name.
  [[nodiscard]] const GgufTensor* tensor(const std::string& name) const;
  [[nodiscard]] uint64_t tensor_bytes() const;
};

/// Reads and checks the headers of a GGUF file, or of all parts of a split file.
Result<ModelFiles> read_model_files(const std::string& path);

/// How byte-level BPE splits text into words before it merges bytes, if the file does not say: as GPT-2, for
/// architectures whose models all do. An error for others, because libllama would use wrong tokens without a warning.
/// Empty if the file says it.
Result<std::string> pre_tokenizer_for(const ModelFiles& files);

/// The files' vocabulary and metadata, without the weights.
Result<LlamaModel> load_vocabulary(const ModelFiles& files);

}  // namespace hre
