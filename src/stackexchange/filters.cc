#include "stackexchange/filters.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>
#include <numeric>
#include <set>

namespace hre::stackexchange {
namespace {

Reason judge_marks(const PostFilter& filter, const PostRecord& post) {
  const auto drops = [&](Drop drop, PostFlag flag) { return (filter.drop & drop) != 0 && (post.flags & flag) != 0; };
  if (drops(kDropClosed, kClosed)) return Reason::kClosed;
  if (drops(kDropLocked, kLocked)) return Reason::kLocked;
  if (drops(kDropWiki, kWiki)) return Reason::kWiki;
  if (drops(kDropDeletedAuthor, kDeletedAuthor)) return Reason::kDeletedAuthor;
  return Reason::kNone;
}

bool in_window(const PostFilter& filter, const PostRecord& post) {
  return filter.from_ms <= post.created_ms && post.created_ms < filter.until_ms;
}

bool is_edited_late(const PostFilter& filter, const PostRecord& post) {
  return post.edited_ms - post.created_ms > filter.edited_within_ms;
}

double share(uint32_t part, uint32_t whole) { return whole == 0 ? 0 : static_cast<double>(part) / whole; }

bool speaks(const PostFilter& filter, const TextRecord& text) {
  if (filter.languages.empty() || text.language[0] == '\0') return true;
  return std::find(filter.languages.begin(), filter.languages.end(), text.language) != filter.languages.end();
}

}  // namespace

std::string describe(Reason reason) {
  switch (reason) {
    case Reason::kNone:
      return "passed";
    case Reason::kDate:
      return "posted outside the dates";
    case Reason::kDelay:
      return "answered too long after the question";
    case Reason::kEdited:
      return "edited too long after its posting";
    case Reason::kScore:
      return "score too low";
    case Reason::kViews:
      return "too few views";
    case Reason::kVotes:
      return "too few votes cast";
    case Reason::kClosed:
      return "closed";
    case Reason::kLocked:
      return "locked";
    case Reason::kWiki:
      return "community wiki";
    case Reason::kDeletedAuthor:
      return "author deleted";
    case Reason::kHtml:
      return "HTML too long or too deep for a post";
    case Reason::kImages:
      return "nothing but images";
    case Reason::kShort:
      return "too short";
    case Reason::kLong:
      return "too long";
    case Reason::kCode:
      return "too much code";
    case Reason::kLinks:
      return "too many links";
    case Reason::kLanguage:
      return "in another language";
    case Reason::kRepeated:
      return "the same text as another answer";
    case Reason::kLengthRatio:
      return "length unlike the other answers'";
    case Reason::kFewAnswers:
      return "too few answers left";
    case Reason::kManyAnswers:
      return "too many answers";
    case Reason::kSpread:
      return "votes of answers too close";
    case Reason::kDistinct:
      return "too few different votes";
    case Reason::kAnswerVotes:
      return "too few votes on its answers";
    case Reason::kDuplicate:
      return "nearly the same as a question taken";
    case Reason::kNotDrawn:
      return "passed, but enough were drawn";
  }
  return {};
}

int64_t votes_cast(const PostRecord& post) {
  return std::max<int64_t>(int64_t{post.up} + post.down, std::abs(int64_t{post.score}));
}

Reason judge_question(const QuestionFilter& filter, const PostRecord& question) {
  if (!in_window(filter, question)) return Reason::kDate;
  if (is_edited_late(filter, question)) return Reason::kEdited;
  if (question.score < filter.min_score) return Reason::kScore;
  if (question.views < filter.min_views) return Reason::kViews;
  if (votes_cast(question) < filter.min_votes) return Reason::kVotes;
  return judge_marks(filter, question);
}

Reason judge_answer(const AnswerFilter& filter, const PostRecord& answer, const PostRecord& question) {
  if (!in_window(filter, answer)) return Reason::kDate;
  if (answer.created_ms - question.created_ms > filter.within_ms) return Reason::kDelay;
  if (is_edited_late(filter, answer)) return Reason::kEdited;
  if (answer.score < filter.min_score) return Reason::kScore;
  if (votes_cast(answer) < filter.min_votes) return Reason::kVotes;
  return judge_marks(filter, answer);
}

Reason judge_text(const PostFilter& filter, const TextRecord& text) {
  if (text.bad_html != 0) return Reason::kHtml;
  if ((filter.drop & kDropImageOnly) != 0 && text.image_only != 0) return Reason::kImages;
  if (text.length < filter.min_length) return Reason::kShort;
  if (text.length > filter.max_length) return Reason::kLong;
  if (share(text.code, text.visible) > filter.max_code) return Reason::kCode;
  if (share(text.links, text.visible) > filter.max_links) return Reason::kLinks;
  return speaks(filter, text) ? Reason::kNone : Reason::kLanguage;
}

Reason judge_answers(const QuestionFilter& filter, int64_t answers_taken, std::span<const PostRecord> answers) {
  const auto n = static_cast<int64_t>(answers.size());
  constexpr int64_t kFewest = 2;  // a single answer can't be ranked
  if (n < kFewest || n < filter.min_answers || n < answers_taken) return Reason::kFewAnswers;
  if (n > filter.max_answers) return Reason::kManyAnswers;
  return judge_chosen(filter, answers);
}

Reason judge_chosen(const QuestionFilter& filter, std::span<const PostRecord> answers) {
  std::set<int32_t> scores;
  for (const PostRecord& answer : answers) scores.insert(answer.score);
  if (int64_t{*scores.rbegin()} - *scores.begin() < filter.min_spread) return Reason::kSpread;
  if (static_cast<int64_t>(scores.size()) < filter.min_distinct) return Reason::kDistinct;
  const int64_t votes = std::accumulate(answers.begin(), answers.end(), int64_t{0},
                                        [](int64_t sum, const PostRecord& a) { return sum + votes_cast(a); });
  return votes < filter.min_answer_votes ? Reason::kAnswerVotes : Reason::kNone;
}

std::vector<bool> within_length_ratio(const std::vector<uint32_t>& lengths, double ratio) {
  std::vector<size_t> order(lengths.size());
  std::iota(order.begin(), order.end(), size_t{0});
  std::stable_sort(order.begin(), order.end(), [&](size_t a, size_t b) { return lengths[a] < lengths[b]; });
  size_t best = 0, best_size = 0, end = 0;
  for (size_t begin = 0; begin < order.size(); ++begin) {
    while (end < order.size() && lengths[order[end]] <= ratio * lengths[order[begin]]) ++end;
    if (end - begin > best_size) {
      best = begin;
      best_size = end - begin;
    }
  }
  std::vector<bool> stays(lengths.size(), false);
  for (size_t i = best; i < best + best_size; ++i) stays[order[i]] = true;
  return stays;
}

namespace {

std::string line(const std::string& what, int64_t questions, int64_t answers) {
  return fmt::format("  {:<42} {:>12} {:>12}\n", what, questions, answers);
}

}  // namespace

std::string format_funnel(const Funnel& funnel) {
  std::string text = fmt::format("  {:<42} {:>12} {:>12}\n", "", "questions", "answers");
  text += line("in the topic", funnel.questions, funnel.answers);
  for (size_t i = 1; i < kReasons; ++i) {
    if (funnel.questions_removed[i] == 0 && funnel.answers_removed[i] == 0) continue;
    text += line("- " + describe(static_cast<Reason>(i)), -funnel.questions_removed[i], -funnel.answers_removed[i]);
  }
  if (funnel.answers_with_question != 0) text += line("- with their question", 0, -funnel.answers_with_question);
  if (funnel.answers_not_chosen != 0) text += line("- not chosen", 0, -funnel.answers_not_chosen);
  return text + line("taken", funnel.taken_questions, funnel.taken_answers);
}

}  // namespace hre::stackexchange
