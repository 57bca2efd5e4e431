#pragma once
/// How few questions are enough, as text and JSON: what power and studies share.

#include <string>
#include <vector>

#include "report/json_numbers.h"
#include "stats/power.h"

namespace hre {

/// "361 [150 to unlimited]": the number for the effect seen, and for the ends of its interval; unlimited where no
/// number is enough.
std::string questions_text(const QuestionsForEffect& questions);
/// "80.1 % [12.0, 99.9]"
std::string rate_text(const DetectionPoint& point);

/// {"questions", "ci95"}, null where no number is enough.
Json json_questions(const QuestionsForEffect& questions);
/// [{"questions", "rate", "rate95", "opposite"}, ...]
Json json_detection(const std::vector<DetectionPoint>& curve);

}  // namespace hre
