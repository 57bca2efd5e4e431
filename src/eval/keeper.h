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

/// Questions of one turn, as places in the selection.
struct KeeperTurn {
  std::vector<size_t> mine;                                     ///< score these now
  std::vector<std::pair<size_t, store::StoredScore>> finished;  ///< another process has scored these
  std::vector<size_t> later;                                    ///< ask again about these
};

class Keeper {
 public:
  /// Input errors for a name that is wrong or taken. Any other failure is noted, and the run is not kept.
  static Result<Keeper> open(const Keeping& keeping, Run& run, ProgressListener& progress);

  /// The questions' keys, in the order of the selection. `plans` only where tokens don't follow from the text.
  void know(const std::vector<ScoringRequest>& requests, const std::vector<std::optional<QuestionPlan>>& plans);
  /// Stored answers that stand for new ones, a place a question. Says in run.explanation why others don't.
  std::vector<std::optional<store::StoredScore>> find();

  /// What to score of the remaining questions; those not yet claimed by anybody for about half a minute's work.
  /// Waits a moment where all that remains is being scored by others.
  KeeperTurn take_turn(const std::vector<size_t>& remaining);
  /// Tells how long a turn took, to size the next one.
  void turn_took(size_t questions, double seconds);

  void keep(size_t place, const QuestionResult& result);
  /// A stored question that becomes part of this run.
  void keep_stored(size_t place, const store::StoredScore& score, const QuestionResult& result);
  /// Waits until all is written; run.not_kept says what was not.
  void finish();

 private:
  Keeper(const Keeping& keeping, Run& run, ProgressListener& progress)
      : keeping_(keeping), run_(&run), progress_(&progress) {}
  void give_up(const Error& error);
  void note_trouble();
  void explain(const std::vector<std::string>& missing, int64_t damaged, int64_t without_tokens);

  Keeping keeping_;
  Run* run_;
  ProgressListener* progress_;
  std::unique_ptr<store::Session> session_;
  std::vector<std::string> keys_;
  size_t turn_size_ = 32;
  bool waited_ = false, noted_trouble_ = false;
};

}  // namespace hre
