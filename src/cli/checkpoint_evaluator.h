#pragma once
/// What `hre watch` and `hre serve` do with a checkpoint: evaluate it, hold it against earlier ones and a gate, and
/// keep the page of all.

#include <chrono>
#include <functional>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "analysis/gate.h"
#include "cli/command.h"
#include "cli/evaluating.h"
#include "cli/watch_result.h"
#include "hre/dataset.h"
#include "service/checkpoints.h"
#include "service/converted.h"
#include "service/watch_log.h"

namespace hre::cli {

std::chrono::milliseconds seconds(double n);

/// What is said beside results; the same about the same thing is said once.
class Notices {
 public:
  explicit Notices(Console& console) : console_(console) {}
  void say(const std::string& message);
  void say_once(const std::string& about, const std::string& message);
  void forget(const std::string& about) { said_.erase(about); }

 private:
  Console& console_;
  std::map<std::string, std::string> said_;
};

/// A path as people want to read it: what is below the folder in which it lies.
std::string name_below(const std::vector<std::string>& folders, const std::string& path);

/// --gate FILE: each checkpoint is held against the baseline that the policy names.
struct CheckpointGate {
  GatePolicy policy;
  Run baseline;
};
/// Nothing for an empty path.
Result<std::optional<CheckpointGate>> open_checkpoint_gate(const std::string& path, const std::string& store);

/// What holds for all checkpoints; the caller keeps it.
struct CheckpointOptions {
  std::string data, metadata, until_text, store, gate, page;
  EvaluatingOptions evaluating;
  bool keep_converted = false, quiet = false;
  std::optional<UntilOptions> until;  ///< what finish() made of `until_text`

  /// Adds --data, the options of evaluations, --gate, --page, --keep-converted, --store and --quiet.
  void define(CLI::App& app, const std::string& page_help);
  /// Checks what was given. `what` keeps its runs: "a watch".
  Status finish(const std::string& what, Console& console);
  /// The dataset, with the conditions on its questions.
  Result<Dataset> load_dataset(ProgressListener& progress, Console& console) const;
};

class CheckpointEvaluator {
 public:
  /// `owner` is who takes converted files away again: see service::ConvertedFiles. All references must live longer.
  CheckpointEvaluator(const CheckpointOptions& options, Dataset dataset, std::optional<CheckpointGate> gate,
                      std::string owner, std::function<std::string(const std::string&)> name_of, Notices& notices,
                      Console& console);

  /// Evaluates it; `eval` are the options of this evaluation. Stopped by `stop`, the error is kInterrupted, and what
  /// was scored is kept; where the time limit ends it, the result is partial. What can't be evaluated is an input
  /// error, and what may go well later another one.
  Result<CheckpointResult> evaluate(const service::FoundCheckpoint& checkpoint, const EvalOptions& eval,
                                    std::optional<double> time_limit, const std::stop_token& stop,
                                    ProgressListener& progress);
  /// Whether it was rewritten since it was found. One that was removed has had its whole evaluation.
  static bool has_changed(const service::FoundCheckpoint& checkpoint);

  /// Against the first, the last and the best checkpoint of the training among `earlier`; and the gate.
  void compare(CheckpointResult& result, std::span<const service::WatchLine> earlier);

  /// The page of all evaluated checkpoints, if one is kept and `page_is_old` was called. One that can't be written is
  /// told of and is no error. While checkpoints are waiting, it is drawn once a minute at most.
  Status write_page(std::span<const service::WatchLine> lines, bool others_wait);
  void page_is_old() { page_is_old_ = true; }

  /// Takes away converted files that were left behind by a process that was killed.
  void release_leftovers(const std::function<bool(const std::string& folder)>& is_done) {
    converted_.release_leftovers(is_done);
  }

 private:
  /// An evaluated checkpoint, as the page shows it: its run without questions, and what these came to.
  struct PagePoint {
    Run run;
    Summary summary;
    std::vector<std::pair<uint64_t, double>> by_question;
  };

  Result<Run> load(const service::WatchLine& line);
  std::optional<SinceCheckpoint> since(const Run& run, const service::WatchLine& earlier);
  Result<const PagePoint*> page_point(const service::WatchLine& line);

  const CheckpointOptions& options_;
  Dataset dataset_;
  std::optional<CheckpointGate> gate_;
  std::function<std::string(const std::string&)> name_of_;
  Notices& notices_;
  Console& console_;
  service::ConvertedFiles converted_;
  std::map<std::string, PagePoint> page_points_;  // by the run's id
  bool page_is_old_ = true;                       // at the beginning: a process that was killed may not have written it
  std::chrono::steady_clock::time_point page_written_ = {};
};

}  // namespace hre::cli
