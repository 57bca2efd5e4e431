#pragma once
/// What is known of libllama's values, architecture by architecture (docs/models.md).

#include <string_view>

namespace hre {

enum class Proof {
  kEqual,    ///< random checkpoints had Transformers' log-likelihoods, within 1e-3 nats an answer
  kDiffers,  ///< they had others
  kNone,     ///< nobody has compared them
};

/// Of a GGUF file's general.architecture.
Proof proof_of(std::string_view architecture);

}  // namespace hre
