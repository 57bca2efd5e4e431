#pragma once
/// The folder src/model/mpi: the ranks of an MPI job as a crew. The only folder that includes mpi.h.
///
/// Not here: what is handed out, and in what order (src/model/crew).
/// Types:    `World` is this process's rank; `Team` is rank 0's side of one model; `Mailbox` carries messages;
/// `Liveness`
///           says who is silent.
/// Owners:   `join` opens the job once per process; `leave` ends it.
/// Threads:  MPI is called by one thread, the mailbox's; a build without MPI has these functions too, and they say so.
/// To add:   a message: mailbox.h.

/// The ranks of an MPI job. Rank 0 evaluates and hands questions to all ranks, including itself; the other ranks open
/// the same models and score the plans that they receive. The only folder that includes mpi.h. A build without MPI has
/// these functions, too, but they only report that MPI is missing.

#include <chrono>
#include <functional>
#include <memory>
#include <stop_token>
#include <string>

#include "hre/scorer.h"
#include "model/crew/crew.h"

namespace hre::mpi {

/// Whether mpirun (or a similar launcher) started this process as one of several.
bool launched();

struct World {
  int rank = 0, size = 1;
};

/// Whether this build has MPI.
bool built();

/// Joins the job. Call it once, from the thread that makes all later calls. A rank that is silent for longer than
/// `patience` counts as dead, whatever MPI says about it, and its work goes to others. `share` is the value of --shard:
/// ranks with different shares don't work together. Fails in a build without MPI, and if MPI reports a world of size 1.
Result<World> join(std::chrono::milliseconds patience, const std::string& share);

/// The result of join(); before that, a world of one rank.
const World& world();

/// Rank 0's side of one model's questions. Its destructor lets the other ranks continue with the next model.
class Team {
 public:
  Team();
  ~Team();
  Team(const Team&) = delete;
  Team& operator=(const Team&) = delete;

  /// Lets score_by_crew use the ranks. A rank that could not open the model, or whose model has another description, is
  /// left out, with a note.
  MakeCrew crew_maker(const ModelDescription& description, std::function<void(const std::string&)> note,
                      std::stop_token stop);

  struct State;

 private:
  std::shared_ptr<State> state_;
};

/// The other ranks' side: scores what rank 0 sends until the model's questions end. False when the job ends; fails if
/// rank 0 is lost.
Result<bool> serve(const Result<std::unique_ptr<Scorer>>& model);

/// Leaves the job: rank 0 tells the others to end, and nobody waits for lost ranks.
void leave();

}  // namespace hre::mpi
