#pragma once
/// What is known about libllama's values for each architecture (docs/models.md).

#include <string_view>

namespace hre {

enum class Proof {
  kEqual,    ///< random checkpoints have Transformers' log-likelihoods, within 1e-3 nats per answer
  kDiffers,  ///< random checkpoints have other log-likelihoods
  kNone,     ///< nobody has compared them
};

/// For a GGUF file's general.architecture.
Proof proof_of(std::string_view architecture);

/// Facts from libllama's own tables about an architecture, needed before a model is loaded. Loading compares them with
/// the loaded model, so that a changed engine is noticed.
struct ArchitectureTraits {
  bool has_state = false;       ///< wholly or partly recurrent: a sequence's state is copied, not shared
  bool has_encoder = false;     ///< an encoder reads the context
  bool applies_window = false;  ///< the engine applies the attention window that a file states
  bool has_alibi = false;       ///< distances are added to logits (ALiBi), in half precision under flash attention
};
ArchitectureTraits traits_of(std::string_view architecture);

}  // namespace hre
