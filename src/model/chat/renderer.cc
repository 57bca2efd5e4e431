#include "model/chat/renderer.h"

#include <jinja/lexer.h>
#include <jinja/parser.h>
#include <jinja/runtime.h>

#include <cstdio>
#include <ctime>
#include <exception>
#include <utility>

namespace hre::chat {
namespace {

constexpr size_t kLongestTemplate = 1 << 20;
constexpr size_t kLongestPrompt = 64 << 20;

/// The first line that is not empty.
std::string first_line(const std::string& text) {
  const size_t begin = text.find_first_not_of("\n- ");
  return begin == std::string::npos ? "" : text.substr(begin, text.find('\n', begin) - begin);
}

/// The message of a runtime error and its position; Jinja's message begins with the template's source.
std::string reason(const std::string& what) {
  constexpr std::string_view kMark = "Error: ", kRaised = "Jinja Exception: ", kPlace = " at line ";
  const size_t mark = what.rfind(kMark);
  if (mark == std::string::npos) return first_line(what);
  std::string said = what.substr(mark + kMark.size());
  if (said.starts_with(kRaised)) return first_line(said.substr(kRaised.size()));
  const size_t place = what.find(kPlace);
  if (place != std::string::npos) said = first_line(said) + what.substr(place, what.find(" in source", place) - place);
  return first_line(said);
}

/// Noon of a day, as mktime expects it. A template has no other source of time.
std::time_t noon_of(const std::string& date) {
  std::tm day = {};
  if (std::sscanf(date.c_str(), "%4d-%2d-%2d", &day.tm_year, &day.tm_mon, &day.tm_mday) != 3) return 0;
  day.tm_year -= 1900;
  day.tm_mon -= 1;
  day.tm_hour = 12;
  day.tm_isdst = -1;
  return std::mktime(&day);
}

jinja::value text_value(const std::string& text) { return jinja::mk_val<jinja::value_string>(text); }

jinja::value messages_of(const Conversation& conversation) {
  auto messages = jinja::mk_val<jinja::value_array>();
  for (const auto& [role, content] :
       {std::pair{"system", &conversation.system}, {"user", &conversation.user}, {"assistant", &conversation.reply}}) {
    if (content->empty() && content != &conversation.user) continue;
    auto message = jinja::mk_val<jinja::value_object>();
    message->insert("role", text_value(role));
    message->insert("content", text_value(*content));
    messages->push_back(jinja::value(std::move(message)));
  }
  return messages;
}

}  // namespace

struct Renderer::State {
  TemplateSource source;
  std::time_t now = 0;
  mutable jinja::program program;
};

Result<Renderer> Renderer::parse(TemplateSource source) {
  if (source.text.size() > kLongestTemplate) return input_error("the chat template is longer than 1 MB");
  try {
    jinja::lexer lexer;
    auto state = std::make_shared<State>();
    state->program = jinja::parse_from_tokens(lexer.tokenize(source.text));
    state->now = noon_of(source.date);
    state->source = std::move(source);
    Renderer renderer;
    renderer.state_ = std::move(state);
    return renderer;
  } catch (const std::exception& problem) {
    return input_error("this is not a chat template: " + first_line(problem.what()));
  }
}

Result<std::string> Renderer::render(const Conversation& conversation) const {
  try {
    jinja::context context(state_->source.text);
    context.current_time = state_->now;
    context.set_val("messages", messages_of(conversation));
    context.set_val("add_generation_prompt", jinja::mk_val<jinja::value_bool>(conversation.reply.empty()));
    for (const char* name : {"tools", "documents"}) context.set_val(name, jinja::mk_val<jinja::value_none>());
    for (const auto& [name, text] : state_->source.special) context.set_val(name, text_value(text));
    jinja::runtime runtime(context);
    const jinja::value results = runtime.execute(state_->program);
    std::string prompt = jinja::runtime::gather_string_parts(results)->as_string().str();
    if (prompt.size() <= kLongestPrompt) return prompt;
    return input_error("the chat template turns a question into more than 64 MB");
  } catch (const std::exception& problem) {
    return input_error("the chat template can't be rendered: " + reason(problem.what()));
  }
}

}  // namespace hre::chat
