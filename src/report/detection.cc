#include "report/detection.h"

#include <fmt/format.h>

namespace hre {
namespace {

std::string count_text(const std::optional<int64_t>& n) { return n ? std::to_string(*n) : "unlimited"; }

Json json_count(const std::optional<int64_t>& n) { return n ? Json(*n) : Json(nullptr); }

}  // namespace

std::string questions_text(const QuestionsForEffect& questions) {
  if (!questions.low) return "–";
  return fmt::format("{} [{} to {}]", count_text(questions.n), count_text(questions.low), count_text(questions.high));
}

std::string rate_text(const DetectionPoint& point) {
  return fmt::format("{:.1f} % [{:.1f}, {:.1f}]", 100 * point.rate, 100 * point.rate95.low, 100 * point.rate95.high);
}

Json json_questions(const QuestionsForEffect& questions) {
  return {{"questions", json_count(questions.n)}, {"ci95", {json_count(questions.low), json_count(questions.high)}}};
}

Json json_detection(const std::vector<DetectionPoint>& curve) {
  Json json = Json::array();
  for (const DetectionPoint& point : curve) {
    json.push_back({{"questions", point.n},
                    {"rate", json_number(point.rate)},
                    {"rate95", json_interval(point.rate95)},
                    {"opposite", json_number(point.opposite)}});
  }
  return json;
}

}  // namespace hre
