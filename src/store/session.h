#pragma once
/// The folder src/store: runs in SQLite: which stored answers are reused, which process scores a question, the thread
/// that writes.
///
/// Not here: which questions are asked, and what a result means (src/eval).
/// Types:    `Session` is one evaluation's access; `RunStore` (hre/store.h) is everybody else's; `StoredScore` is a
///           question's answers; `Database`, `Statement` and `Transaction` wrap SQLite.
/// Owners:   the file belongs to all processes; a session owns its claims, which end with it, and its `Writer`.
/// Threads:  a session is one thread's; the writer has a thread and a connection of its own.
/// To add:   a column: schema.cc, with the migration, and an old file in its test. Something that moves values: keys.h.

/// One evaluation's access to a store: the answers that are known already, the claims on questions, and a thread that
/// writes scores, so that scoring never waits for the disk. Goal: no score is lost or stored twice, whatever ends the
/// process. Used from one thread.

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "hre/run.h"
#include "store/stored_score.h"

namespace hre::store {

/// Who scores which questions, at one moment. Numbers are indices into the keys of the call.
struct Claimed {
  std::vector<size_t> mine;                              ///< to be scored now by this process
  std::vector<std::pair<size_t, StoredScore>> finished;  ///< scored by others since the last call
  std::vector<size_t> theirs;                            ///< being scored by others
  std::string other;                                     ///< the owner of one of those claims, for messages
};

/// Why some questions have no stored answers that may be reused.
struct Miss {
  int64_t questions;
  std::vector<std::pair<std::string, std::string>>
      stored;  ///< the setting under which they are stored; empty: no text like theirs is
};

class Session {
 public:
  /// Opens the store and adds or finds the run. Input errors if another run has the name. A store that can't be written
  /// may still be readable: see can_write.
  static Result<std::unique_ptr<Session>> begin(const std::string& path, const Run& run, const std::string& name,
                                                Stored stored);
  ~Session();

  [[nodiscard]] bool can_write() const;
  [[nodiscard]] const std::string& run_name() const;
  [[nodiscard]] const std::string& run_id() const;

  /// Stored answers under this run's setting, one entry per key. The caller must check for damaged answers, and for
  /// answers without the tokens that the run keeps.
  Result<std::vector<std::optional<StoredScore>>> find(std::span<const std::string> keys);
  /// Why the other questions have no answers that may be reused.
  Result<std::vector<Miss>> misses(std::span<const std::string> keys);
  /// The name of a stored run that differs from this one only in its prompt.
  Result<std::string> run_with_other_prompt();

  /// Whether the run already has these answers to the question at this position.
  [[nodiscard]] bool holds(int64_t position, const StoredScore& score) const;

  /// Claims the questions that are neither scored nor claimed by others.
  Result<Claimed> claim(std::span<const std::string> keys);
  /// Hands a question to the writer.
  void put(int64_t position, std::string key, QuestionResult question);
  /// The problem that currently keeps the writer from writing, if any.
  std::optional<Error> trouble();

  /// Waits until everything is written, and removes the questions at `surplus` from the run (their answers stay). The
  /// answers of the keys in `wrong` go, also out of other runs. Fails if anything could not be written; the message
  /// says how much.
  Status finish(const Run& run, std::span<const int64_t> surplus = {}, std::span<const std::string> wrong = {});
  /// The number of stored answers that differed from their replacements.
  [[nodiscard]] int64_t n_replaced() const;

 private:
  struct State;
  explicit Session(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace hre::store
