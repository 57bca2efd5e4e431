#pragma once
/// The store of runs: one SQLite file. evaluate() keeps runs there (see Keeping in run.h); this is how they are found,
/// read and handed on.
///
///   auto store = hre::RunStore::open("runs.db");
///   auto run = store->load("last");

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "hre/run.h"

namespace hre {

/// What a list shows of a run.
struct RunInfo {
  std::string id;                ///< 32 hexadecimal digits: the content hash of what was asked for
  std::string name;              ///< no other run of the store has it
  std::string created, updated;  ///< UTC, ISO 8601
  std::string origin;            ///< "scored", or the file that it was imported from
  ModelDescription model;
  EvalOptions options;
  std::string dataset_name, dataset_source, dataset_fingerprint;
  int64_t planned = 0, done = 0;  ///< questions
  std::optional<double> value;    ///< micro average of Pearson's r, of what is done
  std::optional<double> value_stderr;
  RunTimes times;  ///< of all its evaluations together
};

/// What became of a run that was added.
struct Added {
  std::string name;
  bool is_new = false;  ///< false: the run was there, and stays as it is
};

/// What a merge brought.
struct Merged {
  int64_t runs = 0, questions = 0;  ///< new ones
  int64_t known_runs = 0;           ///< they were there already
};

/// What a repair saved.
struct Repaired {
  int64_t runs = 0, questions = 0;  ///< as they were stored
  int64_t lost_questions = 0;       ///< damaged, or without what belongs to them
  std::string damaged_copy;         ///< where the store is, as it was
};

/// One open store; for one thread at a time. Other processes may use the same file.
class RunStore {
 public:
  /// Fails where there is none, and for one that is damaged, of a newer version, or no store. One that can't be
  /// written can still be read.
  static Result<RunStore> open(const std::string& path);
  /// Makes it where there is none.
  static Result<RunStore> open_or_create(const std::string& path);
  ~RunStore();
  RunStore(RunStore&&) noexcept;
  RunStore& operator=(RunStore&&) noexcept;

  /// The latest first.
  Result<std::vector<RunInfo>> list();
  /// The run that a name, the beginning of an id (four digits or more), "last" or "last~N" means. Input errors say
  /// what comes near.
  Result<RunInfo> find(const std::string& argument);
  /// With all its questions.
  Result<Run> load(const RunInfo& info);
  Result<Run> load(const std::string& argument);

  /// Adds a run from elsewhere; its answers never stand for new ones. `name` may be empty.
  Result<Added> add(const Run& run, const std::string& name, const std::string& origin);
  /// Removes runs, and the answers that no other run has.
  Status remove(const std::vector<RunInfo>& runs);
  /// Takes over all of another store.
  Result<Merged> merge(const std::string& path);

 private:
  struct State;
  explicit RunStore(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

/// Reads all that can be read of a store into a new one, which takes its place; the old one stays beside it.
Result<Repaired> repair_store(const std::string& path);

}  // namespace hre
