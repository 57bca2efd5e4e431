#pragma once
/// Plans and scores as bytes, between processes of the same build: native byte order, no versions.

#include <string>
#include <string_view>

#include "hre/scorer.h"

namespace hre {

std::string pack_plan(const QuestionPlan& plan);
/// A score, or why there is none.
std::string pack_score(const Result<QuestionScore>& score);

/// Fails if bytes are missing or invalid.
Result<QuestionPlan> unpack_plan(std::string_view bytes);
Result<QuestionScore> unpack_score(std::string_view bytes);

}  // namespace hre
