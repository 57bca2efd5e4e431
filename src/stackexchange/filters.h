#pragma once
/// What becomes of a post: filters in a fixed order, the first one that it does not pass, and the
/// count of what each of them removed.

#include <array>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "stackexchange/post.h"
#include "stackexchange/recipe.h"

namespace hre::stackexchange {

/// Why a post was removed, in the order in which filters are asked.
enum class Reason : uint8_t {
  kNone,  ///< it passed
  kDate,
  kDelay,  ///< answers only: too long after the question
  kScore,
  kViews,
  kVotes,
  kClosed,
  kLocked,
  kWiki,
  kDeletedAuthor,
  kHtml,  ///< its HTML is longer or nested deeper than any real post's
  kImages,
  kShort,
  kLong,
  kCode,
  kLinks,
  kLanguage,
  kRepeated,     ///< an answer with the same text stands before it
  kLengthRatio,  ///< an answer much shorter or longer than the others
  kFewAnswers,   ///< from here on questions only
  kManyAnswers,
  kSpread,
  kDistinct,
  kAnswerVotes,
  kDuplicate,  ///< near to a question that was taken
  kNotDrawn,   ///< good, but enough were taken
};
inline constexpr size_t kReasons = static_cast<size_t>(Reason::kNotDrawn) + 1;

/// "closed", "too few answers"
std::string describe(Reason reason);

/// What the second reading found out about a post's text.
struct TextRecord {
  uint64_t offset = 0;  ///< of its texts in the file of texts
  uint64_t hash = 0;    ///< of the text
  uint32_t bytes = 0;
  uint32_t id = 0;
  uint32_t question = 0;
  uint32_t length = 0;    ///< code points of the text
  uint32_t visible = 0;   ///< ... without white space
  uint32_t code = 0;      ///< ... of it within code
  uint32_t links = 0;     ///< ... of it within links
  char language[4] = {};  ///< "en"; empty where it is not clear
  uint8_t bad_html = 0;
  uint8_t image_only = 0;
};
static_assert(sizeof(TextRecord) == 56);

/// Votes cast: counted in Votes.xml, and no fewer than the score tells.
int64_t votes_cast(const PostRecord& post);

Reason judge_question(const QuestionFilter& filter, const PostRecord& question);
Reason judge_answer(const AnswerFilter& filter, const PostRecord& answer, const PostRecord& question);
Reason judge_text(const PostFilter& filter, const TextRecord& text);

/// What a question's answers that passed everything else say of it.
Reason judge_answers(const QuestionFilter& filter, int64_t answers_taken, std::span<const PostRecord> answers);

/// The same of those that were chosen: what was asked of the votes of all must hold for the ones that are written.
Reason judge_chosen(const QuestionFilter& filter, std::span<const PostRecord> answers);

/// Those of the answers' lengths that lie within the ratio: the widest such group, shorter answers first
/// where two are as large. True at the position of each that stays.
std::vector<bool> within_length_ratio(const std::vector<uint32_t>& lengths, double ratio);

/// How many posts each filter removed in a topic.
struct Funnel {
  int64_t questions = 0;  ///< of the topic
  int64_t answers = 0;    ///< to them
  std::array<int64_t, kReasons> questions_removed{};
  std::array<int64_t, kReasons> answers_removed{};
  int64_t answers_with_question = 0;  ///< removed because their question was
  int64_t answers_not_chosen = 0;
  int64_t taken_questions = 0, taken_answers = 0;
};

/// The funnel as a table: one line a filter that removed something.
std::string format_funnel(const Funnel& funnel);

}  // namespace hre::stackexchange
