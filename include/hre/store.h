#pragma once
/// The store of runs: one SQLite file. evaluate() keeps runs there (see Keeping in run.h); these functions find, read
/// and manage them.
///
/// An example, which the tests run:
///
///   auto store = hre::RunStore::open_or_create("runs.db");
///   if (!store) return 1;
///   auto runs = store->list();
///   if (runs) std::printf("%zu runs\n", runs->size());  // prints: 0 runs
///   auto last = store->load("last");
///   if (!last) std::printf("%s\n", last.error().message.c_str());  // prints: the store has 0 runs with questions

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "hre/run.h"

namespace hre {

/// What a list shows about a run.
struct RunInfo {
  std::string id;                ///< 32 hexadecimal digits: the content hash of the request
  std::string name;              ///< unique in the store
  std::string created, updated;  ///< UTC, ISO 8601
  std::string origin;            ///< "scored", or the file that it was imported from
  ModelDescription model;
  EvalOptions options;
  std::string dataset_name, dataset_source, dataset_fingerprint;
  int64_t planned = 0, done = 0;  ///< questions
  std::optional<double> value;    ///< micro average of Pearson's r over the questions done
  std::optional<double> value_stderr;
  std::optional<double> value_low, value_high;  ///< its 95 % interval; nothing where there is none
  RunTimes times;                               ///< summed over all evaluations of the run
  std::string problem;  ///< why its description can't be read; then id, name, dates, origin and dataset stand alone
};

/// The result of adding a run.
struct Added {
  std::string name;
  bool is_new = false;  ///< false: the run existed already and was left unchanged
};

/// What a merge added.
struct Merged {
  int64_t runs = 0, questions = 0;  ///< new ones
  int64_t known_runs = 0;           ///< those that the store had already
};

/// What a repair saved.
struct Repaired {
  int64_t runs = 0, questions = 0;  ///< those that were intact
  int64_t lost_questions = 0;       ///< damaged, or without the rows that belong to them
  std::string damaged_copy;         ///< where the old store was moved, unchanged; empty: it was healthy and stayed
};

/// One open store; for one thread at a time. Other processes may use the same file.
class RunStore {
 public:
  /// Fails if there is no store, or if it is damaged, of a newer version, or not a store at all. A store that can't be
  /// written is opened for reading.
  static Result<RunStore> open(const std::string& path);
  /// Creates the store if there is none.
  static Result<RunStore> open_or_create(const std::string& path);
  ~RunStore();
  RunStore(RunStore&&) noexcept;
  RunStore& operator=(RunStore&&) noexcept;

  /// All runs, latest first; those that are damaged too, with their problem.
  Result<std::vector<RunInfo>> list();
  /// The run that `argument` names: a name, the beginning of an id (four digits or more), "last" or "last~N", which
  /// count runs that have questions. Input errors suggest similar names.
  Result<RunInfo> find(const std::string& argument);
  /// Loads a run with all its questions.
  Result<Run> load(const RunInfo& info);
  Result<Run> load(const std::string& argument);

  /// Adds a run from elsewhere; its answers are never reused as scores. `name` may be empty.
  Result<Added> add(const Run& run, const std::string& name, const std::string& origin);
  /// Removes runs, and the answers that no other run has.
  Status remove(const std::vector<RunInfo>& runs);
  /// Copies all runs and answers of another store.
  Result<Merged> merge(const std::string& path);

 private:
  struct State;
  explicit RunStore(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

/// Copies every readable part of a damaged store into a new one, which takes its place; the old store stays beside it.
/// A store in which nothing is wrong is left alone, unless it is to be rewritten all the same.
Result<Repaired> repair_store(const std::string& path, bool rewrite_healthy = false);

}  // namespace hre
