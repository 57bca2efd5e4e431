#pragma once
/// Chat templates in Jinja, as Transformers' apply_chat_template renders them.

#include <map>
#include <memory>
#include <string>

#include "hre/scorer.h"

namespace hre {

/// A parsed template. Immutable; may be used from several threads.
class ChatTemplate {
 public:
  /// `special` holds the texts of special tokens by Transformers' names: "bos_token", "eos_token". Input errors for
  /// what is no template.
  static Result<ChatTemplate> parse(const std::string& text, std::map<std::string, std::string> special);

  /// The prompt: a system message (unless empty), the user's, and the beginning of the assistant's.
  [[nodiscard]] Result<std::string> render(const std::string& system, const std::string& user) const;

  /// A question as text for the model: its context becomes the rendered prompt, up to where the assistant's reply
  /// stands in the template; white space that the template puts before the reply goes to the continuations. Only these
  /// are scored.
  [[nodiscard]] Result<ScoringRequest> apply(ScoringRequest request, const std::string& system) const;

 private:
  struct State;
  std::shared_ptr<const State> state_;
};

}  // namespace hre
