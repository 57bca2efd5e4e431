#include "model/crew/crew.h"

#include <algorithm>
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
  std::optional<double> repeat_tolerance(int64_t n_tokens) const override {
    return scorer_->repeat_tolerance(n_tokens);
  }

  bool wants_longest_first() const override { return true; }

  Status score(PlanSource& source, const ScoreSink& sink, std::stop_token stop) override {
    if (source.plans().empty()) return {};
    if (!crew_) {
      auto crew = make_crew_(*scorer_);
      if (!crew) return forward(crew);
      crew_ = std::move(*crew);
      lost_.assign(crew_->size(), false);
    }
    bool all_idle = true;
    auto done = hand_out(source, sink, stop, all_idle);
    if (!all_idle) crew_.reset();  // some workers still score plans that nobody wants any more
    return done;
  }

 private:
  Status hand_out(PlanSource& source, const ScoreSink& sink, const std::stop_token& stop, bool& all_idle) {
    Handout handout([&] { return source.next(); });
    std::vector<std::optional<size_t>> busy(crew_->size());
    all_idle = false;
    while (!stop.stop_requested()) {
      for (size_t worker = 0; worker < busy.size(); ++worker) {
        if (busy[worker] || lost_[worker]) continue;
        const NextPlan next = handout.next();
        if (next.kind != NextPlan::Kind::kQuestion) break;
        busy[worker] = next.index;
        crew_->give(worker, source.plans()[next.index]);
      }
      if (handout.finished()) {
        all_idle = true;
        return {};
      }
      for (Crew::Event& event : crew_->wait(stop)) {
        const std::optional<size_t> index = std::exchange(busy[event.worker], std::nullopt);
        if (event.lost) {
          lost_[event.worker] = true;
          const bool none_left = std::all_of(lost_.begin(), lost_.end(), [](bool lost) { return lost; });
          if (none_left || (index && !handout.lost(*index)))
            return fail(ErrorCode::kFailed, "a worker was lost (" + event.why + "), and no other worker can go on");
          if (note_) note_("a worker was lost (" + event.why + "); the other workers take over");
          continue;
        }
        if (!event.score) return stop.stop_requested() ? Status() : Status(forward(event.score));
        handout.done();
        if (!sink(*index, std::move(*event.score))) return {};
      }
    }
    return {};
  }

  std::unique_ptr<Scorer> scorer_;
  MakeCrew make_crew_;
  std::function<void(const std::string&)> note_;
  std::unique_ptr<Crew> crew_;  // null before the first question; destroyed before the scorer that it computes with
  std::vector<bool> lost_;      // by worker
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
  if (auto ok = score_all(scorer, {&plan, 1}, sink, stop); !ok) return forward(ok);
  if (!found) return fail(ErrorCode::kInterrupted, "interrupted");
  return std::move(*found);
}

}  // namespace hre
