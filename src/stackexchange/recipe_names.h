#pragma once
/// The names of a recipe's choices and marks.

#include <string>
#include <vector>

#include "core/named.h"
#include "stackexchange/recipe.h"

namespace hre::stackexchange {

inline constexpr Named<Choice> kChoices[] = {{"spread", Choice::kSpread},
                                             {"top-and-random", Choice::kTopAndRandom},
                                             {"random", Choice::kRandom},
                                             {"later-wins", Choice::kLaterWins},
                                             {"all", Choice::kAll}};
inline constexpr Named<Label> kLabels[] = {{"votes", Label::kVotes}, {"accepted", Label::kAccepted}};
inline constexpr Named<CodeStyle> kCodeStyles[] = {{"plain", CodeStyle::kPlain}, {"fenced", CodeStyle::kFenced}};
inline constexpr Named<QuestionText> kTexts[] = {
    {"title+body", QuestionText::kTitleAndBody}, {"body", QuestionText::kBody}, {"title", QuestionText::kTitle}};
inline constexpr Named<unsigned> kDrops[] = {{"closed", kDropClosed},
                                             {"locked", kDropLocked},
                                             {"wiki", kDropWiki},
                                             {"deleted_author", kDropDeletedAuthor},
                                             {"image_only", kDropImageOnly},
                                             {"machine_phrase", kDropMachinePhrase}};

inline constexpr int64_t kNoLimit = std::numeric_limits<int64_t>::max();

/// The names of the marks in `drops`.
std::vector<std::string> drop_names(unsigned drops);

}  // namespace hre::stackexchange
