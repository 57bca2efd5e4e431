#pragma once
/// Workers that are forks of this process: the weights are in memory once.

#include <memory>

#include "model/crew/crew.h"

namespace hre {

/// Forks `n` workers, which share the scorer's memory. They end with the crew, and with this process.
/// The process must not have computed with the model before, since a computation's threads do not survive a fork.
Result<std::unique_ptr<Crew>> fork_crew(Scorer& scorer, int n);

}  // namespace hre
