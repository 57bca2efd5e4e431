#pragma once
/// The ranks of an MPI job. Rank 0 evaluates, and hands questions to all ranks, itself included; the others open the
/// same models and score what they are given. The only folder that sees mpi.h; a build without MPI has these
/// functions too, and they say what is missing.

#include <chrono>
#include <functional>
#include <memory>
#include <stop_token>
#include <string>

#include "hre/scorer.h"
#include "model/crew/crew.h"

namespace hre::mpi {

/// Whether mpirun (or what works like it) started this process as one of several.
bool launched();

struct World {
  int rank = 0, size = 1;
};

/// Whether this build has MPI.
bool built();

/// Joins the job: once, in the thread that makes all later calls. A rank that is silent for longer than `patience`
/// counts as dead, whatever MPI says of it, and its work goes to others. The share is what --shard says: ranks of
/// different ones do no work together. Fails in a build without MPI, and where MPI finds this process alone.
Result<World> join(std::chrono::milliseconds patience, const std::string& share);

/// What join() found; one of one before.
const World& world();

/// Rank 0: one model's turn. Its end lets the ranks go on to the next model.
class Team {
 public:
  Team();
  ~Team();
  Team(const Team&) = delete;
  Team& operator=(const Team&) = delete;

  /// How score_by_crew gets at the ranks. A rank that could not open the model, or has another one (by its
  /// description), is left out, with a note.
  MakeCrew crew_maker(const ModelDescription& description, std::function<void(const std::string&)> note,
                      std::stop_token stop);

  struct State;

 private:
  std::shared_ptr<State> state_;
};

/// Other ranks: scores what rank 0 sends until the model's turn ends. False when the job ends; fails where rank 0 is
/// lost.
Result<bool> serve(const Result<std::unique_ptr<Scorer>>& model);

/// Leaves the job: rank 0 lets the others end, and nobody waits for ranks that were lost.
void leave();

}  // namespace hre::mpi
