#pragma once
/// The form of GELU with which a model was trained: libllama itself computes only the tanh form.

#include <string>

#include "hre/result.h"
#include "model/llama/gguf_header.h"

namespace hre {

struct GeluForm {
  bool is_erf = false;      ///< 0.5 x (1 + erf(x / sqrt 2)), not the tanh form
  bool is_assumed = false;  ///< the file doesn't state the form, and models of its architecture have either
};

/// The form that the file states (ARCHITECTURE.hidden_activation, by Transformers' names; hre's converter writes it),
/// or else the form of the architecture's best known models. An input error for an activation that libllama would
/// replace by GELU. `path` is for messages.
Result<GeluForm> gelu_form(const GgufHeader& header, const std::string& path);

}  // namespace hre
