#pragma once
/// Runs as JSON: hre's own format, specified in docs/formats.md, and the reference implementation's.

#include <string>
#include <vector>

#include "hre/run.h"

namespace hre {

/// Format hre-run/1. With details: every question and answer. Undefined numbers are null.
std::string run_json(const Run& run, const Summary& summary, bool details);

/// The reference implementation's result file: its keys and task names, undefined questions left out.
std::string reference_json(const Run& run, const Summary& summary);

}  // namespace hre
