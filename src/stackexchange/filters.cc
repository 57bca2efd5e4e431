#include "stackexchange/filters.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>
#include <iterator>
#include <numeric>
#include <set>

namespace hre::stackexchange {
namespace {

// In the order of Reason: the name of a column, and a phrase.
struct ReasonText {
  const char* name;
  const char* phrase;
};
constexpr ReasonText kReasonTexts[] = {
    {"pass", "passed"},
    {"date", "posted outside the dates"},
    {"delay", "answered too long after the question"},
    {"edited", "edited too long after its posting"},
    {"before", "too many votes before its last edit"},
    {"score", "score too low"},
    {"views", "too few views"},
    {"votes", "too few votes cast"},
    {"closed", "closed"},
    {"locked", "locked"},
    {"wiki", "community wiki"},
    {"author", "author deleted"},
    {"html", "HTML too long or too deep for a post"},
    {"images", "nothing but images"},
    {"machine", "has a phrase of chat models"},
    {"short", "too short"},
    {"long", "too long"},
    {"code", "too much code"},
    {"links", "too many links"},
    {"language", "in another language"},
    {"repeated", "the same text as another answer"},
    {"ratio", "length unlike the other answers'"},
    {"answers", "too few answers left"},
    {"many", "too many answers"},
    {"spread", "votes of answers too close"},
    {"distinct", "too few different votes"},
    {"cast", "too few votes on its answers"},
    {"later", "no later answers with more votes"},
    {"known", "shares 13 words in a row with known texts"},
    {"duplicate", "nearly the same as a question taken"},
    {"drawn", "passed, but enough were drawn"},
};
static_assert(std::size(kReasonTexts) == kReasons);

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

// Where the dates of votes are not known, no vote was cast before an edit.
bool is_voted_before_edit(const PostFilter& filter, const PostRecord& post) {
  return post.before_edit > filter.max_votes_before_edit * (static_cast<double>(post.up) + post.down);
}

double share(uint32_t part, uint32_t whole) { return whole == 0 ? 0 : static_cast<double>(part) / whole; }

bool speaks(const PostFilter& filter, const TextRecord& text) {
  if (filter.languages.empty() || text.language[0] == '\0') return true;
  return std::find(filter.languages.begin(), filter.languages.end(), text.language) != filter.languages.end();
}

}  // namespace

std::string describe(Reason reason) { return kReasonTexts[static_cast<size_t>(reason)].phrase; }

int64_t votes_cast(const PostRecord& post) {
  return std::max<int64_t>(int64_t{post.up} + post.down, std::abs(int64_t{post.score}));
}

Reason judge_question(const QuestionFilter& filter, const PostRecord& question) {
  if (!in_window(filter, question)) return Reason::kDate;
  if (is_edited_late(filter, question)) return Reason::kEdited;
  if (is_voted_before_edit(filter, question)) return Reason::kBeforeEdit;
  if (question.score < filter.min_score) return Reason::kScore;
  if (question.views < filter.min_views) return Reason::kViews;
  if (votes_cast(question) < filter.min_votes) return Reason::kVotes;
  return judge_marks(filter, question);
}

Reason judge_answer(const AnswerFilter& filter, const PostRecord& answer, const PostRecord& question) {
  if (!in_window(filter, answer)) return Reason::kDate;
  if (answer.created_ms - question.created_ms > filter.within_ms) return Reason::kDelay;
  if (is_edited_late(filter, answer)) return Reason::kEdited;
  if (is_voted_before_edit(filter, answer)) return Reason::kBeforeEdit;
  if (answer.score < filter.min_score) return Reason::kScore;
  if (votes_cast(answer) < filter.min_votes) return Reason::kVotes;
  return judge_marks(filter, answer);
}

Reason judge_text(const PostFilter& filter, const TextRecord& text) {
  if (text.bad_html != 0) return Reason::kHtml;
  if ((filter.drop & kDropImageOnly) != 0 && text.image_only != 0) return Reason::kImages;
  if ((filter.drop & kDropMachinePhrase) != 0 && text.machine_phrase != 0) return Reason::kMachine;
  if (text.length < filter.min_length) return Reason::kShort;
  if (text.length > filter.max_length) return Reason::kLong;
  if (share(text.code, text.visible) > filter.max_code) return Reason::kCode;
  if (share(text.links, text.visible) > filter.max_links) return Reason::kLinks;
  return speaks(filter, text) ? Reason::kNone : Reason::kLanguage;
}

int32_t label_of(Label label, const PostRecord& answer) {
  if (label == Label::kVotes) return answer.score;
  return (answer.flags & kAccepted) != 0 ? 1 : 0;
}

Reason judge_answers(const QuestionFilter& filter, Label label, int64_t answers_taken,
                     std::span<const PostRecord> answers) {
  const auto n = static_cast<int64_t>(answers.size());
  constexpr int64_t kFewest = 2;  // a single answer can't be ranked
  if (n < kFewest || n < filter.min_answers || n < answers_taken) return Reason::kFewAnswers;
  if (n > filter.max_answers) return Reason::kManyAnswers;
  return judge_chosen(filter, label, answers);
}

Reason judge_chosen(const QuestionFilter& filter, Label label, std::span<const PostRecord> answers) {
  std::set<int32_t> labels;
  for (const PostRecord& answer : answers) labels.insert(label_of(label, answer));
  if (int64_t{*labels.rbegin()} - *labels.begin() < filter.min_spread) return Reason::kSpread;
  if (static_cast<int64_t>(labels.size()) < filter.min_distinct) return Reason::kDistinct;
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

std::string format_census(const std::map<std::string, MonthCounts>& months) {
  MonthCounts all{};
  for (const auto& [month, counts] : months) {
    for (size_t i = 0; i < kReasons; ++i) all[i] += counts[i];
  }
  std::string text = fmt::format("  {:<9}{:>10}", "month", "questions");
  for (size_t i = 1; i < kReasons; ++i) {
    if (all[i] > 0) text += fmt::format("{:>10}", kReasonTexts[i].name);
  }
  const auto add = [&](const std::string& name, const MonthCounts& counts) {
    int64_t left = std::accumulate(counts.begin(), counts.end(), int64_t{0});
    text += fmt::format("\n  {:<9}{:>10}", name, left);
    for (size_t i = 1; i < kReasons; ++i) {
      left -= counts[i];
      if (all[i] > 0) text += fmt::format("{:>10}", left);
    }
  };
  for (const auto& [month, counts] : months) add(month, counts);
  add("all", all);
  return text + "\n";
}

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
