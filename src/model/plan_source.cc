#include <chrono>
#include <thread>

#include "hre/scorer.h"

namespace hre {
namespace {

class AllPlans final : public PlanSource {
 public:
  explicit AllPlans(std::span<const QuestionPlan> plans) : plans_(plans) {}
  [[nodiscard]] std::span<const QuestionPlan> plans() const override { return plans_; }
  NextPlan next() override {
    if (next_ == plans_.size()) return {};
    return {NextPlan::Kind::kQuestion, next_++};
  }

 private:
  std::span<const QuestionPlan> plans_;
  size_t next_ = 0;
};

}  // namespace

Status score_all(Scorer& scorer, std::span<const QuestionPlan> plans, const ScoreSink& sink, std::stop_token stop) {
  AllPlans source(plans);
  return scorer.score(source, sink, std::move(stop));
}

std::optional<size_t> wait_for_next(PlanSource& source, const std::stop_token& stop) {
  constexpr std::chrono::milliseconds kMoment{50};
  while (!stop.stop_requested()) {
    const NextPlan next = source.next();
    if (next.kind == NextPlan::Kind::kQuestion) return next.index;
    if (next.kind == NextPlan::Kind::kEnd) break;
    std::this_thread::sleep_for(kMoment);
  }
  return std::nullopt;
}

}  // namespace hre
