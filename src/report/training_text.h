#pragma once
/// A training's curve in sentences.

#include <span>
#include <string>
#include <vector>

#include "analysis/training.h"

namespace hre {

/// "2000"
std::string step_text(double step);

/// What there is to say of these trainings, and of all of them together; each ends with a full stop. `benchmark`: what
/// the values are, "HumanRankEval".
std::vector<std::string> training_sentences(const Trainings& trainings, const std::string& benchmark);

}  // namespace hre
