#include "model/crew/messages.h"

#include <cstring>
#include <type_traits>

namespace hre {
namespace {

class Packer {
 public:
  template <class T>
  void number(T value) {
    static_assert(std::is_arithmetic_v<T>);
    bytes_.append(reinterpret_cast<const char*>(&value), sizeof value);
  }
  void text(std::string_view text) {
    number<uint64_t>(text.size());
    bytes_ += text;
  }
  template <class T>
  void list(const std::vector<T>& values) {
    number<uint64_t>(values.size());
    bytes_.append(reinterpret_cast<const char*>(values.data()), values.size() * sizeof(T));
  }
  std::string take() { return std::move(bytes_); }

 private:
  std::string bytes_;
};

/// Reads what Packer wrote. After a failure all values are empty and ok() is false.
class Unpacker {
 public:
  explicit Unpacker(std::string_view bytes) : bytes_(bytes) {}

  template <class T>
  T number() {
    T value{};
    if (const std::string_view from = take(sizeof value); ok_) std::memcpy(&value, from.data(), sizeof value);
    return value;
  }
  std::string text() { return std::string(take(number<uint64_t>())); }
  template <class T>
  std::vector<T> list() {
    const auto n = number<uint64_t>();
    const std::string_view from = n > bytes_.size() ? take(n) : take(n * sizeof(T));
    std::vector<T> values(ok_ ? n : 0);
    if (!values.empty()) std::memcpy(values.data(), from.data(), from.size());
    return values;
  }
  /// Reads the number of items that follow, each of which has at least one byte.
  size_t count() {
    const auto n = number<uint64_t>();
    if (n > bytes_.size()) ok_ = false;
    return ok_ ? n : 0;
  }
  [[nodiscard]] bool ok() const { return ok_; }
  [[nodiscard]] bool at_end() const { return ok_ && bytes_.empty(); }

 private:
  std::string_view take(uint64_t n) {
    if (!ok_ || n > bytes_.size()) {
      ok_ = false;
      return {};
    }
    const std::string_view taken = bytes_.substr(0, n);
    bytes_.remove_prefix(n);
    return taken;
  }

  std::string_view bytes_;
  bool ok_ = true;
};

tl::unexpected<Error> damaged() { return fail(ErrorCode::kFailed, "a message between processes was damaged"); }

}  // namespace

std::string pack_plan(const QuestionPlan& plan) {
  Packer packer;
  packer.list(plan.prefix);
  packer.number<uint64_t>(plan.answers.size());
  for (const AnswerPlan& answer : plan.answers) {
    packer.list(answer.tail);
    packer.list(answer.targets);
    packer.number(answer.n_truncated);
    packer.number(answer.n_cut_chars);
  }
  packer.text(plan.text.context);
  packer.number<uint64_t>(plan.text.continuations.size());
  for (const std::string& continuation : plan.text.continuations) packer.text(continuation);
  packer.number(plan.n_context);
  packer.number<char>(plan.shares_prefix ? 1 : 0);
  return packer.take();
}

Result<QuestionPlan> unpack_plan(std::string_view bytes) {
  Unpacker unpacker(bytes);
  QuestionPlan plan;
  plan.prefix = unpacker.list<Token>();
  for (size_t n = unpacker.count(); n > 0 && unpacker.ok(); --n) {
    AnswerPlan answer;
    answer.tail = unpacker.list<Token>();
    answer.targets = unpacker.list<Token>();
    answer.n_truncated = unpacker.number<int>();
    answer.n_cut_chars = unpacker.number<int>();
    plan.answers.push_back(std::move(answer));
  }
  plan.text.context = unpacker.text();
  for (size_t n = unpacker.count(); n > 0 && unpacker.ok(); --n) plan.text.continuations.push_back(unpacker.text());
  plan.n_context = unpacker.number<int>();
  plan.shares_prefix = unpacker.number<char>() != 0;
  if (!unpacker.at_end()) return damaged();
  return plan;
}

std::string pack_score(const Result<QuestionScore>& score) {
  Packer packer;
  packer.number<char>(score ? 1 : 0);
  if (!score) {
    packer.number(static_cast<int>(score.error().code));
    for (const std::string* text : {&score.error().message, &score.error().where, &score.error().next})
      packer.text(*text);
    return packer.take();
  }
  packer.text(score->problem);
  packer.number<uint64_t>(score->answers.size());
  for (const AnswerScore& answer : score->answers) {
    packer.list(answer.token_log_probs);
    packer.text(answer.token_texts.text);
    packer.list(answer.token_texts.ends);
    packer.number(answer.n_tokens);
  }
  return packer.take();
}

Result<QuestionScore> unpack_score(std::string_view bytes) {
  Unpacker unpacker(bytes);
  if (unpacker.number<char>() == 0) {
    Error error;
    error.code = static_cast<ErrorCode>(unpacker.number<int>());
    for (std::string* text : {&error.message, &error.where, &error.next}) *text = unpacker.text();
    if (!unpacker.at_end()) return damaged();
    return tl::unexpected<Error>(std::move(error));
  }
  QuestionScore score;
  score.problem = unpacker.text();
  for (size_t n = unpacker.count(); n > 0 && unpacker.ok(); --n) {
    AnswerScore answer;
    answer.token_log_probs = unpacker.list<float>();
    answer.token_texts.text = unpacker.text();
    answer.token_texts.ends = unpacker.list<uint32_t>();
    answer.n_tokens = unpacker.number<int>();
    score.answers.push_back(std::move(answer));
  }
  if (!unpacker.at_end()) return damaged();
  return score;
}

}  // namespace hre
