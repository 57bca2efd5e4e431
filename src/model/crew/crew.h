#pragma once
/// One model scored by several processes: workers on this machine, or ranks of an MPI job.

#include <functional>
#include <memory>
#include <stop_token>
#include <string>
#include <vector>

#include "hre/scorer.h"

namespace hre {

/// Workers, numbered from 0, each of which scores one plan at a time.
class Crew {
 public:
  virtual ~Crew() = default;
  [[nodiscard]] virtual size_t size() const = 0;
  /// Hands a plan to a worker that has none.
  virtual void give(size_t worker, const QuestionPlan& plan) = 0;
  struct Event {
    size_t worker = 0;
    bool lost = false;                 ///< the worker is gone, and its plan is not scored
    std::string why;                   ///< of a lost one, for people
    Result<QuestionScore> score = {};  ///< otherwise
  };
  /// What has happened; waits a moment for the first. Returns early, perhaps with none, on a stop.
  virtual std::vector<Event> wait(const std::stop_token& stop) = 0;
};

/// Brings a crew to life, when the first question is to be scored.
using MakeCrew = std::function<Result<std::unique_ptr<Crew>>(Scorer& scorer)>;

/// The same model, scored by a crew, which lives as long as the scorer, unless it is interrupted: longest questions
/// first, handed out as workers come free. A plan's score is what
/// the model alone gives it, so values do not depend on the crew. `note` is told of workers that were lost.
std::unique_ptr<Scorer> score_by_crew(std::unique_ptr<Scorer> scorer, MakeCrew make_crew,
                                      std::function<void(const std::string&)> note);

/// Scores one plan.
Result<QuestionScore> score_one(Scorer& scorer, const QuestionPlan& plan, const std::stop_token& stop);

}  // namespace hre
