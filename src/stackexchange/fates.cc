#include "stackexchange/fates.h"

#include <fmt/format.h>

#include <algorithm>

namespace hre::stackexchange {
namespace {

std::string question_fate(const Topic& topic, const PostGroup& group, const Verdict& verdict) {
  const PostRecord& post = *group.question;
  const std::string what = fmt::format("a question of topic {}, score {}, {} votes cast, {} answers read", topic.name,
                                       post.score, votes_cast(post), group.answers.size());
  if (verdict.question != Reason::kNone) return what + "; removed: " + describe(verdict.question);
  return fmt::format("{}; passed with {} answers", what, verdict.passing().size());
}

std::string answer_fate(const Topic& topic, const PostRecord& post, const Verdict& verdict, Reason reason, bool taken) {
  const std::string what = fmt::format("an answer to {} of topic {}, score {}, {} votes cast; ", post.question,
                                       topic.name, post.score, votes_cast(post));
  if (!verdict.answers_judged) return what + "its question was removed: " + describe(verdict.question);
  if (reason != Reason::kNone) return what + "removed: " + describe(reason);
  if (verdict.question != Reason::kNone)
    return what + "passed, but its question was removed: " + describe(verdict.question);
  return what + (taken ? "chosen" : "passed, but others were chosen");
}

}  // namespace

bool Fates::is(size_t i, const std::string& site, uint32_t id) const {
  const std::string number = std::to_string(id);
  return asked_[i] == number || asked_[i] == site + "/" + number;
}

bool Fates::asks(const std::string& site, uint32_t id) const {
  for (size_t i = 0; i < asked_.size(); ++i) {
    if (is(i, site, id)) return true;
  }
  return false;
}

void Fates::tell(const std::string& site, uint32_t id, const std::string& line) {
  for (size_t i = 0; i < asked_.size(); ++i) {
    if (is(i, site, id)) lines_[i].push_back(fmt::format("{}/{}: {}", site, id, line));
  }
}

void Fates::tell_outside(const std::string& site, const PostGroup& group) {
  if (asked_.empty()) return;
  const bool missing = group.question == nullptr;
  if (!missing) tell(site, group.question->id, "a question of no topic: no topic takes its tags");
  for (const PostRecord& answer : group.answers) {
    tell(site, answer.id,
         missing ? fmt::format("an answer whose question {} is missing", answer.question)
                 : fmt::format("an answer to {}, which belongs to no topic", answer.question));
  }
}

void Fates::tell_judged(const std::string& site, const Topic& topic, const PostGroup& group, const Verdict& verdict,
                        const std::vector<size_t>& chosen) {
  if (asked_.empty()) return;
  bool asked = asks(site, group.question->id);
  tell(site, group.question->id, question_fate(topic, group, verdict));
  for (size_t i = 0; i < group.answers.size(); ++i) {
    asked = asked || asks(site, group.answers[i].id);
    const bool taken = std::find(chosen.begin(), chosen.end(), i) != chosen.end();
    tell(site, group.answers[i].id, answer_fate(topic, group.answers[i], verdict, verdict.answers[i], taken));
  }
  if (!asked || verdict.question != Reason::kNone) return;
  std::vector<uint32_t> posts;
  for (const size_t i : chosen) posts.push_back(group.answers[i].id);
  followed_[{site, group.question->id}] = std::move(posts);
}

void Fates::tell_draw(const std::string& site, uint32_t question, const std::string& line) {
  const auto found = followed_.find({site, question});
  if (found == followed_.end()) return;
  tell(site, question, line);
  for (const uint32_t answer : found->second) tell(site, answer, "its question: " + line);
}

std::vector<std::string> Fates::lines() const {
  std::vector<std::string> all;
  for (size_t i = 0; i < asked_.size(); ++i) {
    if (lines_[i].empty()) all.push_back(asked_[i] + ": no question or answer with this id was read");
    all.insert(all.end(), lines_[i].begin(), lines_[i].end());
  }
  return all;
}

}  // namespace hre::stackexchange
