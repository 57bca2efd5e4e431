#pragma once
/// --score, wherever a command shows values of runs.

#include <optional>
#include <vector>

#include "cli/command.h"
#include "hre/run.h"

namespace hre::cli {

/// Adds the option. Nothing: the runs' own score.
void define_score(CLI::App& app, std::optional<ScoreKind>& score);

/// The runs by this score.
Status choose_score(const std::optional<ScoreKind>& score, std::vector<Run>& runs);

}  // namespace hre::cli
