#pragma once
/// Decides about posts: filters in a fixed order, the first one that a post fails, and the number of posts that each
/// filter removed.

#include <array>
#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <vector>

#include "stackexchange/post.h"
#include "stackexchange/recipe.h"

namespace hre::stackexchange {

/// Why a post was removed, in the order in which the filters are applied. To add a filter: a reason here and its words
/// in filters.cc, its key in recipe.h, recipe.cc and recipe_format.cc, the decision in a judge_ function of filters.cc,
/// and a new kFilterRules.
enum class Reason : uint8_t {
  kNone,  ///< it passed
  kDate,
  kDelay,       ///< answers only: too long after the question
  kEdited,      ///< too long after it was posted
  kBeforeEdit,  ///< too many of its votes were cast before its last edit
  kScore,
  kViews,
  kVotes,
  kClosed,
  kLocked,
  kWiki,
  kDeletedAuthor,
  kHtml,  ///< its HTML is longer or more deeply nested than that of any real post
  kImages,
  kMachine,  ///< it has a phrase of chat models
  kShort,
  kLong,
  kCode,
  kLinks,
  kLanguage,
  kRepeated,     ///< it repeats the text of an earlier answer
  kLengthRatio,  ///< an answer much shorter or longer than the others
  kFewAnswers,   ///< this and all following ones apply only to questions
  kManyAnswers,
  kSpread,
  kDistinct,
  kAnswerVotes,
  kLater,      ///< it has no such answers as later-wins takes
  kKnown,      ///< it shares a run of words with KnownTexts
  kDuplicate,  ///< nearly the same as a question that was taken
  kNotDrawn,   ///< it passed, but enough others were taken
};
inline constexpr size_t kReasons = static_cast<size_t>(Reason::kNotDrawn) + 1;

/// Kept texts are of posts that filters let through: raise it if any filter decides differently.
inline constexpr const char* kFilterRules = "hre-filters/1";

/// "closed", "too few answers left"
std::string describe(Reason reason);

/// Facts about a post's text, from the second reading.
struct TextRecord {
  uint64_t offset = 0;  ///< of its texts, in the file of texts
  uint64_t hash = 0;    ///< of the text
  uint32_t bytes = 0;
  uint32_t id = 0;
  uint32_t question = 0;
  uint32_t length = 0;    ///< code points of the text
  uint32_t visible = 0;   ///< ... without white space
  uint32_t code = 0;      ///< ... of it within code
  uint32_t links = 0;     ///< ... of it in links
  char language[4] = {};  ///< "en"; empty if it is not clear
  uint8_t bad_html = 0;
  uint8_t image_only = 0;
  uint8_t machine_phrase = 0;  ///< see machine_text.h
};
static_assert(sizeof(TextRecord) == 56);

/// Votes cast: counted in Votes.xml, but never fewer than the score implies.
int64_t votes_cast(const PostRecord& post);

Reason judge_question(const QuestionFilter& filter, const PostRecord& question);
Reason judge_answer(const AnswerFilter& filter, const PostRecord& answer, const PostRecord& question);
Reason judge_text(const PostFilter& filter, const TextRecord& text);

/// What the dataset has as an answer's votes: its score, or 1 if it was accepted and 0 if not.
int32_t label_of(Label label, const PostRecord& answer);

/// Checks a question by its answers that passed all other filters.
Reason judge_answers(const QuestionFilter& filter, Label label, int64_t answers_taken,
                     std::span<const PostRecord> answers);

/// Checks the chosen answers in the same way: conditions on all answers' votes must also hold for the answers that are
/// written.
Reason judge_chosen(const QuestionFilter& filter, Label label, std::span<const PostRecord> answers);

/// Finds the largest group of answers whose lengths lie within the ratio; of groups of equal size, the one with the
/// shorter answers. True at the index of each answer in the group.
std::vector<bool> within_length_ratio(const std::vector<uint32_t>& lengths, double ratio);

/// How many posts each filter removed in a topic.
struct Funnel {
  int64_t questions = 0;  ///< in the topic
  int64_t answers = 0;    ///< to those questions
  std::array<int64_t, kReasons> questions_removed{};
  std::array<int64_t, kReasons> answers_removed{};
  int64_t answers_with_question = 0;  ///< removed because their question was removed
  int64_t answers_not_chosen = 0;
  int64_t taken_questions = 0, taken_answers = 0;
};

/// Questions of one month, by what became of them; kNone: they passed.
using MonthCounts = std::array<int64_t, kReasons>;

/// A table: of each month's questions, how many are left after each filter that removed some.
std::string format_census(const std::map<std::string, MonthCounts>& months);

/// The funnel as a table: one line per filter that removed something.
std::string format_funnel(const Funnel& funnel);

}  // namespace hre::stackexchange
