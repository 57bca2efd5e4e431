#pragma once
/// The folder src/service: what long-running commands stand on: finding checkpoints, keeping a watch's results, telling
/// others.
///
/// Not here: evaluating (src/eval), and how lines look to people (src/cli/watch_result.h).
/// Types:    `FoundCheckpoint` is a checkpoint as it lies there; `Settling` decides when it is whole; `WatchLog` is the
///           file of results; `ConvertedFiles` takes conversions away again.
/// Owners:   a `WatchLog` owns its file by a lock; checkpoints belong to the training, and are only read.
/// Threads:  objects are one thread's.
/// To add:   another way to tell of results: delivery.h. Another layout of checkpoints: checkpoints.cc.

/// Finds a training's checkpoints while the training writes them. Goal: a checkpoint is never taken for whole while any
/// byte of it may be missing. Two things must hold: its sizes are those that its own headers promise, and nothing of it
/// has changed for a while. Folders are listed again and again, because network file systems don't tell of changes.

#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "hre/result.h"

namespace hre::service {

/// A folder in Hugging Face's layout, a GGUF file, or all parts of a split one.
struct FoundCheckpoint {
  std::string path;            ///< the folder or the (first) file; absolute if the folder searched is
  std::string training;        ///< the folder that the training's checkpoints lie in
  std::optional<double> step;  ///< by its name
  std::string incomplete;      ///< what is missing; empty: its sizes are right
  std::string state;           ///< names, sizes and times of all its files: equal as long as nothing changes
  std::string identity;        ///< the same of those files that a value depends on
  int64_t changed_ns = 0;      ///< since 1970: the last change of any of its files
};

/// Whether trainers use such names while they write: hidden files, tmp-checkpoint-5, model.gguf.part.
bool is_temporary_name(const std::string& name);

/// The checkpoints in a folder, in folders in it, and one level below those; the folder itself may be one. By training,
/// then by step (those without one last), then by time. Headers of those that are `known`, by path and identity, are
/// not read again. Fails only if the folder can't be read.
using KnownCheckpoints = std::set<std::pair<std::string, std::string>>;
Result<std::vector<FoundCheckpoint>> find_checkpoints(const std::string& folder, const KnownCheckpoints& known = {});

/// The one of this path, as it lies there now; nothing where there is none. Fails only if its folder can't be read.
Result<std::optional<FoundCheckpoint>> find_checkpoint(const std::string& path);

/// Decides when checkpoints have settled. Keeps what it saw of each; for one thread.
class Settling {
 public:
  explicit Settling(std::chrono::milliseconds settle) : settle_(settle) {}

  /// Time by the steady clock, and by the clock that files' times are of.
  struct Now {
    std::chrono::steady_clock::time_point steady;
    int64_t since_1970_ns = 0;

    static Now read();
  };

  /// For how long nothing has changed, as far as is known: since a look found this state for the first time, or, where
  /// the files' own times are more than a minute older than `settle`, since then (clocks of file servers differ).
  std::chrono::milliseconds quiet(const FoundCheckpoint& checkpoint, const Now& now);
  /// Whether it is quiet for long enough.
  bool settled(const FoundCheckpoint& checkpoint, const Now& now) { return quiet(checkpoint, now) >= settle_; }

 private:
  struct Seen {
    std::string state;
    std::chrono::steady_clock::time_point since;
  };
  std::chrono::milliseconds settle_;
  std::map<std::string, Seen> seen_;  // by path
};

}  // namespace hre::service
