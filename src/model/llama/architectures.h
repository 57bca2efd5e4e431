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

/// What libllama's own tables say of an architecture, known before a model is loaded. Loading compares them with the
/// loaded model, so that an engine that has changed is found.
struct ArchitectureTraits {
  bool has_state = false;       ///< recurrent, wholly or in part: a sequence's state is copied, not shared
  bool has_encoder = false;     ///< an encoder reads the context
  bool applies_window = false;  ///< the attention window that a file states is applied
  bool has_alibi = false;       ///< distances are added to logits (ALiBi), in half precision under flash attention
};
ArchitectureTraits traits_of(std::string_view architecture);

}  // namespace hre
