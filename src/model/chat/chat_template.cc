#include "model/chat/chat_template.h"

#include <chrono>
#include <cstdio>
#include <mutex>

#include "model/chat/render_process.h"

namespace hre {
namespace {

/// Stands for the assistant's reply when its place in the template is looked for.
constexpr const char* kReply = "\x02reply\x03";

bool is_day(const std::string& text) {
  int year = 0, month = 0, day = 0, end = 0;
  const bool read = std::sscanf(text.c_str(), "%4d-%2d-%2d%n", &year, &month, &day, &end) == 3 && text.size() == 10 &&
                    static_cast<size_t>(end) == text.size();
  return read && std::chrono::year_month_day(std::chrono::year(year), std::chrono::month(static_cast<unsigned>(month)),
                                             std::chrono::day(static_cast<unsigned>(day)))
                     .ok();
}

bool is_white(const std::string& text) { return text.find_first_not_of(" \t\r\n") == std::string::npos; }

}  // namespace

struct ChatTemplate::State {
  chat::TemplateSource source;
  std::mutex mutex;
  std::unique_ptr<chat::RenderProcess> process;

  Result<std::string> render(const chat::Conversation& conversation) {
    const std::lock_guard lock(mutex);
    if (!process->alive()) {
      auto again = chat::RenderProcess::start(source);
      if (!again) return forward(again);
      process = std::move(*again);
    }
    auto prompt = process->render(conversation);
    if (prompt) return prompt;
    prompt.error().next = conversation.system.empty()
                              ? "give another template with ‹chat_template› FILE, or use none"
                              : "leave out ‹system›, or give another template with ‹chat_template› FILE";
    return prompt;
  }
};

Result<ChatTemplate> ChatTemplate::parse(const std::string& text, std::map<std::string, std::string> special,
                                         const std::string& date) {
  if (!is_day(date)) return input_error("'" + date + "' is not a day", "‹date›", "write the date as YYYY-MM-DD");
  chat::TemplateSource source{text, std::move(special), date};
  auto process = chat::RenderProcess::start(source);
  if (!process) return forward(process);
  ChatTemplate parsed;
  parsed.state_ = std::make_shared<State>();
  parsed.state_->source = std::move(source);
  parsed.state_->process = std::move(*process);
  return parsed;
}

bool ChatTemplate::asks_for_date() const { return state_->source.text.find("strftime_now") != std::string::npos; }

Result<std::string> ChatTemplate::render(const std::string& system, const std::string& user) const {
  return state_->render({system, user, ""});
}

Result<ScoringRequest> ChatTemplate::apply(ScoringRequest request, const std::string& system) const {
  auto prompt = state_->render({system, request.context, ""});
  if (!prompt) return forward(prompt);
  const auto whole = state_->render({system, request.context, kReply});
  const size_t reply = whole ? whole->find(kReply) : std::string::npos;
  request.context = *prompt;
  // A template that puts replies elsewhere than after its generation prompt (after thoughts, for example) has no such
  // gap.
  if (reply == std::string::npos || !whole->starts_with(*prompt) || reply < prompt->size()) return request;
  const std::string gap = whole->substr(prompt->size(), reply - prompt->size());
  if (!is_white(gap)) request.context += gap;
  if (is_white(gap)) {
    for (std::string& continuation : request.continuations) continuation.insert(0, gap);
  }
  return request;
}

}  // namespace hre
