#pragma once
/// One evaluation's hold on a store: what is known already, whose turn a question is, and a thread that writes what
/// was scored, off the scoring path. Goals: nothing stored is lost or doubled, whatever ends the process; scoring
/// never waits for the disk. Used from one thread.

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

/// Whose questions are whose, at one moment. Numbers are indices into the keys that were asked about.
struct Claimed {
  std::vector<size_t> mine;                              ///< to be scored now, by this process
  std::vector<std::pair<size_t, StoredScore>> finished;  ///< by others, since it was last asked
  std::vector<size_t> theirs;                            ///< being scored by others
  std::string other;                                     ///< one of those, for messages
};

/// Why questions have no stored answers that may be used.
struct Miss {
  int64_t questions;
  std::vector<std::pair<std::string, std::string>>
      stored;  ///< the setting under which they are stored; empty: no text like theirs is
};

class Session {
 public:
  /// Opens the store and adds the run, or finds it. Input errors where another run has the name. Reading is
  /// possible where writing is not: see can_write.
  static Result<std::unique_ptr<Session>> begin(const std::string& path, const Run& run, const std::string& name,
                                                Stored stored);
  ~Session();

  [[nodiscard]] bool can_write() const;
  [[nodiscard]] const std::string& run_name() const;
  [[nodiscard]] const std::string& run_id() const;

  /// Stored answers under this run's setting, a place a key; damaged ones and those without the tokens that the run
  /// keeps are for the caller to tell.
  Result<std::vector<std::optional<StoredScore>>> find(std::span<const std::string> keys);
  /// Why the rest is not there.
  Result<std::vector<Miss>> misses(std::span<const std::string> keys);
  /// A name of a stored run that differs from this one in its prompt alone.
  Result<std::string> run_with_other_prompt();

  /// Whether the run has this question at this place with these answers already.
  [[nodiscard]] bool holds(int64_t position, const StoredScore& score) const;

  /// Takes those of the questions that nobody has scored or is scoring.
  Result<Claimed> claim(std::span<const std::string> keys);
  /// Hands a question to the writer.
  void put(int64_t position, std::string key, QuestionResult question);
  /// What keeps the writer from writing, at present.
  std::optional<Error> trouble();

  /// Waits until all is written, and takes the questions at `surplus` out of the run again: their answers stay. Fails
  /// where some of it could not be written; the message counts it.
  Status finish(const Run& run, std::span<const int64_t> surplus = {});
  /// Stored answers that were not equal to those that replaced them.
  [[nodiscard]] int64_t n_replaced() const;

 private:
  struct State;
  explicit Session(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace hre::store
