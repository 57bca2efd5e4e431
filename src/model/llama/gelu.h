#pragma once
/// Which GELU a model was trained with: libllama itself knows none but the tanh form.

#include <string>

#include "hre/result.h"
#include "model/llama/gguf_header.h"

namespace hre {

struct GeluForm {
  bool is_erf = false;      ///< 0.5 x (1 + erf(x / sqrt 2)), not the tanh form
  bool is_assumed = false;  ///< the file doesn't state it, and models of its architecture have either
};

/// As the file states it (ARCHITECTURE.hidden_activation, by Transformers' names; hre's converter writes it), or as the
/// best known models of its architecture have it. An input error for a stated activation that libllama would replace
/// by GELU. `path` is for messages.
Result<GeluForm> gelu_form(const GgufHeader& header, const std::string& path);

}  // namespace hre
