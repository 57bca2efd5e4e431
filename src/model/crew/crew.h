#pragma once
/// The folder src/model/crew: one model scored by several processes: workers on this machine, or the ranks of an MPI
/// job.
///
/// Not here: processes that share a store and know nothing of each other (src/store), and shards (src/eval/shard.h).
/// Types:    `Crew` is the workers, as a scorer sees them; `Handout` says whose turn a question is; messages.h turns
///           plans into bytes.
/// Owners:   the wrapping scorer owns the crew, which ends with it.
/// Threads:  one thread hands out and waits; a worker computes in its own process.
/// To add:   a kind of worker: an implementation of `Crew`, and a `MakeCrew` where a model is opened.

/// One model scored by several processes: workers on this machine, or the ranks of an MPI job.

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
  /// Gives a plan to an idle worker.
  virtual void give(size_t worker, const QuestionPlan& plan) = 0;
  struct Event {
    size_t worker = 0;
    bool lost = false;                 ///< the worker is gone, and its plan is not scored
    std::string why;                   ///< why a worker was lost, for messages
    Result<QuestionScore> score = {};  ///< if the worker was not lost
  };
  /// Returns what has happened, and waits a moment for the first event. Returns early, perhaps without events, on a
  /// stop.
  virtual std::vector<Event> wait(const std::stop_token& stop) = 0;
};

/// Starts a crew, when the first question is about to be scored.
using MakeCrew = std::function<Result<std::unique_ptr<Crew>>(Scorer& scorer)>;

/// Wraps a scorer so that a crew scores for it. The crew lives as long as the scorer, unless it is interrupted.
/// Questions are handed out longest first, as workers become free. A plan's score is the one that the model alone would
/// give, so values do not depend on the crew. `note` receives a message about every lost worker.
std::unique_ptr<Scorer> score_by_crew(std::unique_ptr<Scorer> scorer, MakeCrew make_crew,
                                      std::function<void(const std::string&)> note);

/// Scores a single plan.
Result<QuestionScore> score_one(Scorer& scorer, const QuestionPlan& plan, const std::stop_token& stop);

}  // namespace hre
