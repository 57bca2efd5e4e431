#pragma once
/// Workers that are forks of this process, so the weights are in memory only once.

#include <memory>

#include "model/crew/crew.h"

namespace hre {

/// Forks `n` workers, which share the scorer's memory. They end with the crew, and with this process. The model must
/// not have computed before in this process, because a computation's threads do not survive a fork.
Result<std::unique_ptr<Crew>> fork_crew(Scorer& scorer, int n);

}  // namespace hre
