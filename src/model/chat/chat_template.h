#pragma once
/// The folder src/model/chat: chat templates in Jinja, rendered in a process of their own as Transformers'
/// apply_chat_template does.
///
/// Not here: which template a model has (src/model/llama/llama_scorer.cc).
/// Types:    `ChatTemplate` is what scorers use; `RenderProcess` bounds time and memory; `Renderer` is the interpreter,
///           without bounds.
/// Owners:   a template owns its process, which ends with it.
/// Threads:  several threads may use a template; they take turns.
/// To add:   a value or function that templates may ask for: renderer.cc.

/// Chat templates in Jinja, as Transformers' apply_chat_template renders them.

#include <map>
#include <memory>
#include <string>

#include "hre/scorer.h"

namespace hre {

/// A template, rendered in a separate process that bounds its time, memory and stack. Several threads may use it; they
/// take turns.
class ChatTemplate {
 public:
  /// The answer to a template that asks for today's date, unless --date sets another: values must not depend on the day
  /// on which they are computed. Llama 3.1's own template falls back to this day.
  static constexpr char kDate[] = "2024-07-26";

  /// `special` holds the texts of special tokens by Transformers' names: "bos_token", "eos_token"; `date` is
  /// YYYY-MM-DD. Input errors for an invalid template.
  static Result<ChatTemplate> parse(const std::string& text, std::map<std::string, std::string> special,
                                    const std::string& date = kDate);

  /// Whether the template can ask for today's date.
  [[nodiscard]] bool asks_for_date() const;

  /// Renders the prompt: a system message (unless empty), the user's message, and the beginning of the assistant's.
  [[nodiscard]] Result<std::string> render(const std::string& system, const std::string& user) const;

  /// Rewrites a question as text for the model: its context becomes the rendered prompt, up to the place of the
  /// assistant's reply in the template. White space that the template puts before the reply goes to the continuations.
  /// Only the continuations are scored.
  [[nodiscard]] Result<ScoringRequest> apply(ScoringRequest request, const std::string& system) const;

 private:
  struct State;
  std::shared_ptr<State> state_;
};

}  // namespace hre
