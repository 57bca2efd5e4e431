#pragma once
/// Chat templates in Jinja, as Transformers' apply_chat_template renders them.

#include <map>
#include <memory>
#include <string>

#include "hre/scorer.h"

namespace hre {

/// A template, in a process of its own, which bounds its time, memory and stack. May be used from several threads; they
/// take turns.
class ChatTemplate {
 public:
  /// What a template that asks for today's date is told, unless --date says otherwise: values must not depend on the
  /// day on which they are computed. It is the day that Llama 3.1's own template falls back to.
  static constexpr char kDate[] = "2024-07-26";

  /// `special` holds the texts of special tokens by Transformers' names: "bos_token", "eos_token"; `date` is
  /// YYYY-MM-DD. Input errors for what is no template.
  static Result<ChatTemplate> parse(const std::string& text, std::map<std::string, std::string> special,
                                    const std::string& date = kDate);

  /// Whether the template can ask for today's date.
  [[nodiscard]] bool asks_for_date() const;

  /// The prompt: a system message (unless empty), the user's, and the beginning of the assistant's.
  [[nodiscard]] Result<std::string> render(const std::string& system, const std::string& user) const;

  /// A question as text for the model: its context becomes the rendered prompt, up to where the assistant's reply
  /// stands in the template; white space that the template puts before the reply goes to the continuations. Only these
  /// are scored.
  [[nodiscard]] Result<ScoringRequest> apply(ScoringRequest request, const std::string& system) const;

 private:
  struct State;
  std::shared_ptr<State> state_;
};

}  // namespace hre
