#pragma once
/// Renders a chat template in this process, without any limits: a template of a few bytes can loop for ever, fill the
/// memory or overflow the stack. Use RenderProcess for templates from others.

#include <map>
#include <memory>
#include <string>

#include "hre/result.h"

namespace hre::chat {

/// A template's source, and the values that it may ask for besides the messages.
struct TemplateSource {
  std::string text;
  std::map<std::string, std::string> special;  ///< texts of special tokens by Transformers' names: "bos_token"
  std::string date;                            ///< YYYY-MM-DD: what strftime_now returns, at noon
};

struct Conversation {
  std::string system;  ///< empty: no system message
  std::string user;
  /// The assistant's message. Without one, the prompt ends with the beginning of the assistant's message.
  std::string reply;
};

class Renderer {
 public:
  /// Input errors for an invalid template.
  static Result<Renderer> parse(TemplateSource source);
  [[nodiscard]] Result<std::string> render(const Conversation& conversation) const;

 private:
  struct State;
  std::shared_ptr<const State> state_;
};

}  // namespace hre::chat
