#include "model/crew/crew.h"

#include <optional>

#include "model/crew/handout.h"

namespace hre {
namespace {

class CrewScorer final : public Scorer {
 public:
  CrewScorer(std::unique_ptr<Scorer> scorer, MakeCrew make_crew, std::function<void(const std::string&)> note)
      : scorer_(std::move(scorer)), make_crew_(std::move(make_crew)), note_(std::move(note)) {}

  const ModelDescription& describe() const override { return scorer_->describe(); }
  Result<QuestionPlan> plan(ScoringRequest request) const override { return scorer_->plan(std::move(request)); }
  TokenTexts texts_of(const AnswerPlan& answer) const override { return scorer_->texts_of(answer); }

  Status score(std::span<const QuestionPlan> plans, const ScoreSink& sink, std::stop_token stop) override {
    if (plans.empty()) return {};
    auto crew = make_crew_(*scorer_, plans);
    if (!crew) return forward(crew);
    std::vector<double> costs;
    for (const QuestionPlan& plan : plans) costs.push_back(static_cast<double>(plan.positions()));
    Handout handout(costs);
    std::vector<std::optional<size_t>> busy((*crew)->size());
    std::vector<bool> lost(busy.size());
    size_t n_lost = 0;
    while (!handout.finished() && !stop.stop_requested()) {
      for (size_t worker = 0; worker < busy.size(); ++worker) {
        if (busy[worker] || lost[worker]) continue;
        busy[worker] = handout.next();
        if (busy[worker]) (*crew)->give(worker, *busy[worker], plans[*busy[worker]]);
      }
      for (Crew::Event& event : (*crew)->wait(stop)) {
        const std::optional<size_t> index = std::exchange(busy[event.worker], std::nullopt);
        if (event.lost) {
          lost[event.worker] = true;
          const bool hopeless = ++n_lost == busy.size() || (index && !handout.lost(*index));
          if (hopeless)
            return fail(ErrorCode::kFailed, "a worker was lost (" + event.why + "), and no other can go on");
          if (note_) note_("a worker was lost (" + event.why + "); the others do its work");
          continue;
        }
        if (!event.score) return stop.stop_requested() ? Status() : Status(forward(event.score));
        handout.done(*index);
        if (!sink(*index, std::move(*event.score))) return {};
      }
    }
    return {};
  }

 private:
  std::unique_ptr<Scorer> scorer_;
  MakeCrew make_crew_;
  std::function<void(const std::string&)> note_;
};

}  // namespace

std::unique_ptr<Scorer> score_by_crew(std::unique_ptr<Scorer> scorer, MakeCrew make_crew,
                                      std::function<void(const std::string&)> note) {
  return std::make_unique<CrewScorer>(std::move(scorer), std::move(make_crew), std::move(note));
}

Result<QuestionScore> score_one(Scorer& scorer, const QuestionPlan& plan, const std::stop_token& stop) {
  std::optional<QuestionScore> found;
  const ScoreSink sink = [&](size_t, QuestionScore score) {
    found = std::move(score);
    return true;
  };
  if (auto ok = scorer.score({&plan, 1}, sink, stop); !ok) return forward(ok);
  if (!found) return fail(ErrorCode::kInterrupted, "interrupted");
  return std::move(*found);
}

}  // namespace hre
