// The prompt template: no crash, and what is rendered holds the question and the answers as they are, whatever the
// template; a template's braces never come from them.
#include <cstdlib>
#include <string>

#include "eval/prompt.h"

namespace {

void require(bool holds) {
  if (!holds) std::abort();
}

hre::ScoringRequest render(const hre::PromptTemplate& prompt, const std::string& question, const std::string& answer) {
  hre::Question asked;
  asked.text = question;
  asked.answers = {{answer, 1}, {"", 0}};
  return prompt.render(asked);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string text(reinterpret_cast<const char*>(data), size);
  const auto prompt = hre::PromptTemplate::parse(text);
  if (!prompt) {
    require(prompt.error().code == hre::ErrorCode::kInput && !prompt.error().message.empty());
    return 0;
  }
  const std::string answer = "{question}\n{answer} ";
  const hre::ScoringRequest request = render(*prompt, "{answer}{question}", answer);
  require(request.continuations.size() == 2 && request.continuations[0] == request.continuations[1] + answer);
  require(request.continuations[1].find_first_not_of(' ') == std::string::npos);
  require(!request.context.ends_with(' ') || request.continuations[1].empty());

  // The question stands in the same number of places, whatever it is.
  const auto length_with = [&](const std::string& question) {
    return render(*prompt, question, answer).context.size();
  };
  const size_t places = length_with("?") - length_with("");
  require(request.context.size() == length_with("") + places * std::string("{answer}{question}").size());
  require(places <= text.size() / std::string("{question}").size() && text.find("{answer}") != std::string::npos);
  return 0;
}
