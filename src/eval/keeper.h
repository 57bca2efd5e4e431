#pragma once
/// An evaluation's side of the store: which stored answers stand for new ones, which questions are this process's to
/// score, and where what was scored goes. Without a store, or with one that fails, everything is this process's and
/// nothing is kept.

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "hre/progress.h"
#include "hre/run.h"
#include "hre/scorer.h"
#include "store/session.h"

namespace hre {

/// What became of questions that were asked about, as places in the selection.
struct Claims {
  std::vector<size_t> mine;                                     ///< score these
  std::vector<std::pair<size_t, store::StoredScore>> finished;  ///< another process has scored these
  std::vector<size_t> theirs;                                   ///< another process is at these; ask again later
};

class Keeper {
 public:
  /// Input errors for a name that is wrong or taken. Any other failure is noted, and the run is not kept.
  static Result<Keeper> open(const Keeping& keeping, Run& run, ProgressListener& progress);

  /// Stored answers that stand for new ones, one per place asked about. `plans` (by place) only where tokens don't
  /// follow from the text.
  std::vector<std::optional<store::StoredScore>> find(const std::vector<size_t>& places,
                                                      const std::vector<ScoringRequest>& requests,
                                                      const std::vector<std::optional<QuestionPlan>>& plans);
  /// Says in run.explanation what find() found, and why other questions are to be scored.
  void explain();

  /// Claims questions, unless others have them. Without a store they are this process's.
  Claims claim(const std::vector<size_t>& places);

  void keep(size_t place, const QuestionResult& result);
  /// A stored question that becomes part of this run.
  void keep_stored(size_t place, const store::StoredScore& score, const QuestionResult& result);
  /// An answer that proved wrong after it was kept: finish() takes it out of the store.
  void forget(size_t place);
  /// Waits until all is written, and takes the questions at `surplus` out of the run again; run.not_kept says what was
  /// not written.
  void finish(const std::vector<size_t>& surplus);

 private:
  Keeper(const Keeping& keeping, Run& run, ProgressListener& progress)
      : keeping_(keeping), run_(&run), progress_(&progress) {}
  void give_up(const Error& error);
  void note_trouble();

  Keeping keeping_;
  Run* run_;
  ProgressListener* progress_;
  std::unique_ptr<store::Session> session_;
  std::vector<std::string> keys_;     // by place; empty where it was not asked about
  std::vector<std::string> missing_;  // keys without a stored answer
  std::vector<std::string> wrong_;    // keys to forget
  int64_t n_found_ = 0, n_damaged_ = 0, n_without_tokens_ = 0;
  bool waited_ = false, noted_trouble_ = false;
};

}  // namespace hre
