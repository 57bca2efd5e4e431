#pragma once
/// Studies as text.

#include <string>

#include "analysis/study.h"

namespace hre {

/// What `hre study` prints: the runs, what separates their stages, and how they agree with judgements.
std::string study_text(const Study& study, const std::string& name, int width = 80);

/// "pearson", "spearman", "kendall"
const char* correlation_name(CorrelationKind kind);

}  // namespace hre
