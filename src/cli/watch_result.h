#pragma once
/// What a watch says of one checkpoint: its JSON line (format hre-watch/1, docs/formats.md), its line for people, and
/// the variables that a command gets.

#include <optional>
#include <string>
#include <vector>

#include "hre/run.h"
#include "hre/summary.h"
#include "service/checkpoints.h"
#include "service/watch_log.h"
#include "stats/comparison.h"

namespace hre::cli {

/// A difference to an earlier checkpoint of the same training.
struct SinceCheckpoint {
  std::string path;
  std::optional<double> step;
  PairedComparison comparison;  ///< this checkpoint - the earlier one
};

struct CheckpointResult {
  service::FoundCheckpoint checkpoint;
  std::string status;     ///< "evaluated", "failed", "skipped"
  std::string why = {};   ///< of those that were not evaluated
  std::string time = {};  ///< when it was done with; UTC, ISO 8601
  double seconds = 0;     ///< that it took
  // Of evaluated ones:
  std::optional<Run> run = {};
  std::optional<Summary> summary = {};
  std::optional<SinceCheckpoint> first = {}, last = {}, best = {};  ///< earlier ones
  bool is_best = false;                                             ///< of those so far
  std::string gate = {};                                            ///< "pass", "fail", "inconclusive"; empty: none
};

/// The line, as it is kept.
service::WatchLine watch_line(const CheckpointResult& result);

/// For people; with a line end. `name`: the checkpoint's, as short as it can be.
std::string watch_text(const CheckpointResult& result, const std::string& name);

/// "HRE_CHECKPOINT=/runs/checkpoint-5", ... made from a line, so that they are the same after a restart.
std::vector<std::string> watch_environment(const service::WatchLine& line);

}  // namespace hre::cli
