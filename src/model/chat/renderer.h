#pragma once
/// A chat template in this process. Nothing bounds what a template does here: a few bytes of it can loop for ever, fill
/// the memory or recurse beyond the stack. RenderProcess is what may be given templates of others.

#include <map>
#include <memory>
#include <string>

#include "hre/result.h"

namespace hre::chat {

/// Where a template comes from, and what it may ask for besides the messages.
struct TemplateSource {
  std::string text;
  std::map<std::string, std::string> special;  ///< texts of special tokens, by Transformers' names: "bos_token"
  std::string date;                            ///< YYYY-MM-DD: what strftime_now tells, at noon
};

struct Conversation {
  std::string system;  ///< empty: no system message
  std::string user;
  /// The assistant's message, or none: then the prompt ends with its beginning.
  std::string reply;
};

class Renderer {
 public:
  /// Input errors for what is no template.
  static Result<Renderer> parse(TemplateSource source);
  [[nodiscard]] Result<std::string> render(const Conversation& conversation) const;

 private:
  struct State;
  std::shared_ptr<const State> state_;
};

}  // namespace hre::chat
