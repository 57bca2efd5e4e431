#include "eval/prompt.h"

#include <algorithm>

#include "core/text.h"

namespace hre {
namespace {

constexpr char kHelp[] = "a prompt is a text with {question} and, at its end, {answer}; write {{ for a brace";

bool is_name_char(char c) { return (c >= 'a' && c <= 'z') || c == '_'; }

/// The name in braces that begins at text[at]; empty where there is none.
std::string_view name_at(std::string_view text, size_t at) {
  const size_t from = at + 1;
  size_t to = from;
  while (to < text.size() && is_name_char(text[to])) ++to;
  const bool closed = to > from && to < text.size() && text[to] == '}';
  return closed ? text.substr(from, to - from) : std::string_view();
}

}  // namespace

Result<PromptTemplate> PromptTemplate::parse(const std::string& text) {
  if (const auto bad = find_invalid_utf8(text)) {
    return input_error("invalid UTF-8 at byte " + std::to_string(*bad), "prompt", kHelp);
  }
  PromptTemplate prompt;
  std::string literal;
  size_t at = 0;
  bool answer_found = false;
  while (at < text.size() && !answer_found) {
    const bool doubled = (text[at] == '{' || text[at] == '}') && at + 1 < text.size() && text[at + 1] == text[at];
    const std::string_view name = text[at] == '{' && !doubled ? name_at(text, at) : std::string_view();
    if (name.empty()) {
      literal += text[at];
      at += doubled ? 2 : 1;
      continue;
    }
    if (name != "question" && name != "answer") {
      const auto nearest = nearest_name(name, {"question", "answer"});
      return input_error(
          "unknown name {" + std::string(name) + "}" + (nearest ? "; did you mean {" + *nearest + "}?" : ""), "prompt",
          kHelp);
    }
    answer_found = name == "answer";
    at += name.size() + 2;
    if (name == "question") {
      prompt.context_.push_back({std::exchange(literal, {}), false});
      prompt.context_.push_back({"", true});
    }
  }
  if (!answer_found) return input_error("{answer} is missing", "prompt", kHelp);
  if (at < text.size() && text.substr(at) != "\n") {
    return input_error("text after {answer} would not be scored", "prompt", "end the prompt with {answer}");
  }
  const size_t n_spaces = literal.size() - std::min(literal.size(), literal.find_last_not_of(' ') + 1);
  prompt.before_answer_ = std::string(n_spaces, ' ');
  literal.resize(literal.size() - n_spaces);
  prompt.context_.push_back({std::move(literal), false});
  return prompt;
}

ScoringRequest PromptTemplate::render(const Question& question) const {
  ScoringRequest request;
  for (const Piece& piece : context_) request.context += piece.is_question ? question.text : piece.text;
  for (const Answer& answer : question.answers) request.continuations.push_back(before_answer_ + answer.text);
  return request;
}

}  // namespace hre
