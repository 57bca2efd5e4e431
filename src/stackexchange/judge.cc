#include "stackexchange/judge.h"

#include <algorithm>
#include <set>

namespace hre::stackexchange {
namespace {

int64_t answers_taken(const Recipe& recipe) { return recipe.choose == Choice::kAll ? 0 : recipe.answers; }

void judge_repeated(const PostGroup& group, const TextsById& texts, Verdict& verdict) {
  std::set<uint64_t> seen;
  for (const size_t i : verdict.passing()) {
    if (!seen.insert(texts.find(group.answers[i].id)->hash).second) verdict.answers[i] = Reason::kRepeated;
  }
}

void judge_lengths(const PostGroup& group, const TextsById& texts, double ratio, Verdict& verdict) {
  const std::vector<size_t> passing = verdict.passing();
  std::vector<uint32_t> lengths;
  for (const size_t i : passing) lengths.push_back(texts.find(group.answers[i].id)->length);
  const std::vector<bool> stays = within_length_ratio(lengths, ratio);
  for (size_t k = 0; k < passing.size(); ++k) {
    if (!stays[k]) verdict.answers[passing[k]] = Reason::kLengthRatio;
  }
}

}  // namespace

std::vector<size_t> Verdict::passing() const {
  std::vector<size_t> at;
  for (size_t i = 0; i < answers.size(); ++i) {
    if (answers[i] == Reason::kNone) at.push_back(i);
  }
  return at;
}

TextsById::TextsById(std::vector<TextRecord> records) : records_(std::move(records)) {
  std::stable_sort(records_.begin(), records_.end(), [](const auto& a, const auto& b) { return a.id < b.id; });
}

const TextRecord* TextsById::find(uint32_t id) const {
  const auto at =
      std::lower_bound(records_.begin(), records_.end(), id, [](const auto& r, uint32_t i) { return r.id < i; });
  return at == records_.end() || at->id != id ? nullptr : &*at;
}

std::vector<PostRecord> picked(std::span<const PostRecord> posts, const std::vector<size_t>& at) {
  std::vector<PostRecord> some;
  for (const size_t i : at) some.push_back(posts[i]);
  return some;
}

Verdict first_look(const Recipe& recipe, const Topic& topic, const PostGroup& group) {
  Verdict verdict{judge_question(topic.question, *group.question), std::vector<Reason>(group.answers.size()), false};
  if (verdict.question != Reason::kNone) return verdict;
  verdict.answers_judged = true;
  for (size_t i = 0; i < group.answers.size(); ++i) {
    verdict.answers[i] = judge_answer(topic.answer, group.answers[i], *group.question);
  }
  QuestionFilter filter = topic.question;
  filter.max_answers = QuestionFilter().max_answers;
  verdict.question =
      judge_answers(filter, recipe.label, answers_taken(recipe), picked(group.answers, verdict.passing()));
  return verdict;
}

bool second_look(const Recipe& recipe, const Topic& topic, const PostGroup& group, const TextsById& texts,
                 Verdict& verdict) {
  const TextRecord* question = texts.find(group.question->id);
  if (question == nullptr) return false;
  for (const size_t i : verdict.passing()) {
    const TextRecord* answer = texts.find(group.answers[i].id);
    if (answer == nullptr) return false;
    verdict.answers[i] = judge_text(topic.answer, *answer);
  }
  judge_repeated(group, texts, verdict);
  if (topic.answer.max_length_ratio > 0) judge_lengths(group, texts, topic.answer.max_length_ratio, verdict);
  verdict.question = judge_text(topic.question, *question);
  if (verdict.question != Reason::kNone) return true;
  verdict.question =
      judge_answers(topic.question, recipe.label, answers_taken(recipe), picked(group.answers, verdict.passing()));
  return true;
}

void count(const PostGroup& group, const Verdict& verdict, Funnel& funnel) {
  ++funnel.questions;
  funnel.answers += static_cast<int64_t>(group.answers.size());
  if (verdict.question != Reason::kNone) ++funnel.questions_removed[static_cast<size_t>(verdict.question)];
  for (const Reason reason : verdict.answers) {
    if (reason != Reason::kNone) {
      ++funnel.answers_removed[static_cast<size_t>(reason)];
    } else if (verdict.question != Reason::kNone) {
      ++funnel.answers_with_question;
    }
  }
}

}  // namespace hre::stackexchange
