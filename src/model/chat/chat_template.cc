#include "model/chat/chat_template.h"

#include <jinja/lexer.h>
#include <jinja/parser.h>
#include <jinja/runtime.h>

#include <exception>
#include <mutex>
#include <nlohmann/json.hpp>

namespace hre {
namespace {

using Json = nlohmann::ordered_json;

constexpr size_t kLongestTemplate = 1 << 20;
constexpr size_t kDeepestNesting = 200;
/// Stands for the assistant's reply where its place is looked for.
constexpr const char* kReply = "\x02reply\x03";

/// Brackets and blocks within each other, counted generously: the parser descends once for each.
bool nests_too_deeply(const std::string& text) {
  size_t depth = 0, blocks = 0;
  for (size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (c == '(' || c == '[' || c == '{') ++depth;
    if ((c == ')' || c == ']' || c == '}') && depth > 0) --depth;
    if (c == '%' && i > 0 && text[i - 1] == '{') ++blocks;
    if (depth > kDeepestNesting || blocks > 10 * kDeepestNesting) return true;
  }
  return false;
}

/// The first line of a message, which may go on with the template's source.
std::string first_line(const std::string& text) { return text.substr(0, text.find('\n')); }

}  // namespace

struct ChatTemplate::State {
  std::string source;
  jinja::program program;
  std::map<std::string, std::string> special;
  mutable std::mutex mutex;  // the program's nodes are not documented to be free of state

  Result<std::string> render(const Json& messages, bool add_generation_prompt) const {
    Json values = {{"messages", messages},
                   {"add_generation_prompt", add_generation_prompt},
                   {"tools", nullptr},
                   {"documents", nullptr}};
    for (const auto& [name, text] : special) values[name] = text;
    try {
      const std::lock_guard lock(mutex);
      jinja::context context(source);
      jinja::global_from_json(context, values, false);
      jinja::runtime runtime(context);
      const jinja::value results = runtime.execute(program);
      return jinja::runtime::gather_string_parts(results)->as_string().str();
    } catch (const std::exception& problem) {
      return input_error("the chat template can't be rendered: " + first_line(problem.what()), "",
                         "--chat-template FILE takes another");
    }
  }
};

Result<ChatTemplate> ChatTemplate::parse(const std::string& text, std::map<std::string, std::string> special) {
  if (text.size() > kLongestTemplate || nests_too_deeply(text)) {
    return input_error("the chat template is too long or nests too deeply");
  }
  try {
    jinja::lexer lexer;
    auto state = std::make_shared<State>();
    state->source = text;
    state->program = jinja::parse_from_tokens(lexer.tokenize(text));
    state->special = std::move(special);
    ChatTemplate parsed;
    parsed.state_ = std::move(state);
    return parsed;
  } catch (const std::exception& problem) {
    return input_error("this is no chat template: " + first_line(problem.what()));
  }
}

namespace {

Json messages_of(const std::string& system, const std::string& user) {
  Json messages = Json::array();
  if (!system.empty()) messages.push_back({{"role", "system"}, {"content", system}});
  messages.push_back({{"role", "user"}, {"content", user}});
  return messages;
}

bool is_white(const std::string& text) { return text.find_first_not_of(" \t\r\n") == std::string::npos; }

}  // namespace

Result<std::string> ChatTemplate::render(const std::string& system, const std::string& user) const {
  return state_->render(messages_of(system, user), true);
}

Result<ScoringRequest> ChatTemplate::apply(ScoringRequest request, const std::string& system) const {
  Json messages = messages_of(system, request.context);
  auto prompt = state_->render(messages, true);
  if (!prompt) return forward(prompt);
  messages.push_back({{"role", "assistant"}, {"content", kReply}});
  const auto whole = state_->render(messages, false);
  const size_t reply = whole ? whole->find(kReply) : std::string::npos;
  request.context = *prompt;
  // A template that shows replies elsewhere than after its generation prompt (after thoughts, say) has no such gap.
  if (reply == std::string::npos || !whole->starts_with(*prompt) || reply < prompt->size()) return request;
  const std::string gap = whole->substr(prompt->size(), reply - prompt->size());
  if (!is_white(gap)) request.context += gap;
  if (is_white(gap)) {
    for (std::string& continuation : request.continuations) continuation.insert(0, gap);
  }
  return request;
}

}  // namespace hre
