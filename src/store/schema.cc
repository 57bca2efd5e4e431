#include "store/schema.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <random>
#include <thread>

#include "core/files.h"

namespace hre::store {
namespace {

constexpr int64_t kApplicationId = 0x68726572;  // "hrer"

constexpr char kVersion1[] = R"sql(
CREATE TABLE setting (             -- everything but the text that can move a stored value
  id INTEGER PRIMARY KEY,
  key BLOB NOT NULL UNIQUE,        -- content hash of the components
  components TEXT NOT NULL);       -- JSON: [[name, value], ...]

CREATE TABLE score (               -- one question as one setting scored it
  id INTEGER PRIMARY KEY,
  text_key BLOB,                   -- content hash of context and continuations; NULL: imported, never reused
  setting INTEGER NOT NULL REFERENCES setting,
  checksum INTEGER NOT NULL,       -- of the answers
  UNIQUE (text_key, setting));

CREATE TABLE answer_score (
  score INTEGER NOT NULL REFERENCES score ON DELETE CASCADE,
  position INTEGER NOT NULL,
  sum_log_prob REAL,               -- nats; NULL: not a number
  n_tokens INTEGER NOT NULL,
  n_truncated INTEGER NOT NULL,
  n_cut_chars INTEGER NOT NULL,
  token_log_probs BLOB,            -- float32, little-endian; NULL: not kept
  PRIMARY KEY (score, position)) WITHOUT ROWID;

CREATE TABLE question (            -- one question as the dataset has it, without its text
  id INTEGER PRIMARY KEY,
  key BLOB NOT NULL UNIQUE,        -- content hash of topic, name and answers
  topic TEXT NOT NULL,
  name TEXT NOT NULL);             -- its id in the dataset

CREATE TABLE answer (
  question INTEGER NOT NULL REFERENCES question ON DELETE CASCADE,
  position INTEGER NOT NULL,
  votes REAL NOT NULL,
  n_chars INTEGER NOT NULL,        -- of the whole answer
  PRIMARY KEY (question, position)) WITHOUT ROWID;

CREATE TABLE run (
  id INTEGER PRIMARY KEY,
  key TEXT NOT NULL UNIQUE,        -- content hash of setting, dataset and options, 32 hexadecimal digits
  name TEXT NOT NULL UNIQUE,
  created TEXT NOT NULL,
  updated TEXT NOT NULL,
  last_use INTEGER NOT NULL,       -- runs are in this order; times may be equal
  origin TEXT NOT NULL,            -- 'scored', or the file that it was imported from
  setting INTEGER NOT NULL REFERENCES setting,
  model TEXT NOT NULL,             -- JSON
  model_name TEXT NOT NULL,
  dataset_name TEXT NOT NULL,
  dataset_source TEXT NOT NULL,
  dataset_fingerprint TEXT NOT NULL,
  dataset_questions INTEGER NOT NULL,
  options TEXT NOT NULL,           -- JSON
  planned INTEGER NOT NULL,
  early_stop TEXT NOT NULL,        -- JSON; null: it was to go on to its end
  plan_seconds REAL NOT NULL,
  score_seconds REAL NOT NULL,
  positions INTEGER NOT NULL,
  positions_unshared INTEGER NOT NULL,
  value REAL,                      -- micro average of Pearson's r when the run last ended
  value_stderr REAL);

CREATE TABLE run_question (
  run INTEGER NOT NULL REFERENCES run ON DELETE CASCADE,
  position INTEGER NOT NULL,       -- in the order of evaluation
  question INTEGER NOT NULL REFERENCES question,
  score INTEGER REFERENCES score,  -- NULL: it could not be scored
  problem TEXT NOT NULL,
  PRIMARY KEY (run, position)) WITHOUT ROWID;
CREATE INDEX run_question_score ON run_question (score);
CREATE INDEX run_question_question ON run_question (question);

CREATE TABLE claim (               -- questions that a process is scoring now
  text_key BLOB NOT NULL,
  setting INTEGER NOT NULL REFERENCES setting ON DELETE CASCADE,
  owner TEXT NOT NULL,
  expires INTEGER NOT NULL,        -- seconds since 1970
  PRIMARY KEY (text_key, setting)) WITHOUT ROWID;
)sql";

/// The text that tokens spell is nearly always the answer's text, so models share the row; each model adds a byte or so
/// per token.
constexpr char kVersion2[] = R"sql(
CREATE TABLE token_text (          -- what an answer's tokens spell
  id INTEGER PRIMARY KEY,
  key BLOB NOT NULL UNIQUE,        -- its content hash
  text TEXT NOT NULL);

ALTER TABLE answer_score ADD COLUMN token_text INTEGER REFERENCES token_text;  -- NULL: not kept
ALTER TABLE answer_score ADD COLUMN token_lengths BLOB;  -- of each token in it, in bytes: LEB128

CREATE INDEX answer_score_token_text ON answer_score (token_text) WHERE token_text IS NOT NULL;
)sql";

constexpr char kVersion3[] = R"sql(
ALTER TABLE answer_score ADD COLUMN n_bytes INTEGER;  -- of the text scored, in UTF-8; NULL: not known
)sql";

/// The value's interval. It does not follow from the standard error, so values are found anew.
constexpr char kVersion4[] = R"sql(
ALTER TABLE run ADD COLUMN value_low REAL;   -- the 95 % interval of value; NULL: there is none
ALTER TABLE run ADD COLUMN value_high REAL;

UPDATE run SET value = NULL, value_stderr = NULL;
)sql";

/// The queue of hre serve. Results stay, so that a service that starts again knows what earlier jobs came to.
constexpr char kVersion5[] = R"sql(
CREATE TABLE job (
  id INTEGER PRIMARY KEY AUTOINCREMENT,  -- jobs are done in this order; a number is never given twice
  status TEXT NOT NULL,                  -- queued, running, completed, failed, cancelled
  model TEXT NOT NULL,                   -- what is evaluated, as the service resolved it
  request TEXT NOT NULL,                 -- JSON: the job's own options
  created TEXT NOT NULL,                 -- times are UTC, ISO 8601; empty: not yet
  started TEXT NOT NULL,
  ended TEXT NOT NULL,
  attempts INTEGER NOT NULL,             -- how often it was begun
  why TEXT NOT NULL,                     -- of one that failed
  result TEXT NOT NULL);                 -- JSON, hre-watch/1; empty: none
CREATE INDEX job_status ON job (status, id);
)sql";

bool uses_write_ahead_log(Database& database) {
  Statement mode(database, "PRAGMA journal_mode");
  return mode.step() && mode.text(0) == "wal";
}

/// With a write-ahead log, committed writes survive a crash, and readers don't wait for writers. SQLite does not wait
/// for locks during the switch, hence the loop.
void use_write_ahead_log(Database& database) {
  for (int tries = 0; tries < 100 && !uses_write_ahead_log(database); ++tries) {
    if (sqlite3_exec(database.handle(), "PRAGMA journal_mode = WAL", nullptr, nullptr, nullptr) != SQLITE_OK) {
      std::this_thread::sleep_for(std::chrono::milliseconds(20));
    }
  }
}

/// True for a missing file: opening the store reports the problem, if there is one.
bool can_write(const std::string& path) {
  if (access(path.c_str(), F_OK) != 0) return true;
  const std::string folder = std::filesystem::path(path).parent_path().string();
  return access(path.c_str(), W_OK) == 0 && access(folder.empty() ? "." : folder.c_str(), W_OK) == 0;
}

/// SQLite waits long for locks if the file system has none, and fails half-way if files can't be mapped. So both are
/// tried first, with a separate file beside the store.
Status try_folder(const std::string& path) {
  std::string probe = path + "-probe-XXXXXX";
  const int descriptor = mkostemp(probe.data(), O_CLOEXEC);
  if (descriptor < 0) return {};  // opening the store gives a better message
  struct flock lock = {};
  lock.l_type = F_WRLCK;
  lock.l_whence = SEEK_SET;
  lock.l_len = 1;
  const bool locks = fcntl(descriptor, F_SETLK, &lock) == 0;
  constexpr size_t kBytes = 4096;
  void* mapped = ftruncate(descriptor, kBytes) == 0
                     ? mmap(nullptr, kBytes, PROT_READ | PROT_WRITE, MAP_SHARED, descriptor, 0)
                     : MAP_FAILED;
  const bool maps = mapped != MAP_FAILED;
  if (maps) munmap(mapped, kBytes);
  close(descriptor);
  unlink(probe.c_str());
  if (locks && maps) return {};
  return fail(
      ErrorCode::kFailed,
      locks ? "the store's file system can't map files into shared memory" : "the store's file system can't lock files",
      path, "give a ‹store› on a local disk");
}

Status check_kind(Database& database, int64_t newest) {
  database.run("BEGIN");  // a consistent view: another process may be creating the store
  const int64_t application = database.number("PRAGMA application_id");
  const int64_t version = database.number("PRAGMA user_version");
  const bool empty = database.number("SELECT count(*) FROM sqlite_schema") == 0;
  database.run("COMMIT");
  if (auto ok = database.status(); !ok) return ok;
  if (application != kApplicationId && !empty) {
    return input_error("is a database, but not a store of runs", database.path(), "give another ‹store›");
  }
  if (version > newest) {
    return fail(ErrorCode::kFailed,
                "the store was written by a newer hre (the store has version " + std::to_string(version) +
                    ", this hre reads up to " + std::to_string(newest) + ")",
                database.path(), "update hre, or give another ‹store›");
  }
  return {};
}

Status apply(Database& database, const std::vector<std::string>& steps) {
  const auto newest = static_cast<int64_t>(steps.size());
  for (int64_t version = database.number("PRAGMA user_version"); version < newest; ++version) {
    database.run(steps[static_cast<size_t>(version)].c_str());
  }
  database.run(("PRAGMA application_id = " + std::to_string(kApplicationId)).c_str());
  database.run(("PRAGMA user_version = " + std::to_string(newest)).c_str());
  return database.status();
}

/// Puts a copy of the old store beside it as PATH.v<VERSION>. Another process may upgrade the store at the same time,
/// so the copy gets its name only inside the upgrade's own transaction, if the store has not changed since it was
/// copied.
Status upgrade(Database& database, const std::vector<std::string>& steps) {
  const auto newest = static_cast<int64_t>(steps.size());
  for (int tries = 0; tries < 20; ++tries) {
    const int64_t before = database.number("PRAGMA user_version");
    if (before == newest) return database.status();
    const int64_t changes = database.number("PRAGMA data_version");
    const std::string name = database.path() + ".v" + std::to_string(before);
    const std::string copy = name + "." + std::to_string(std::random_device()());
    if (before > 0) Statement(database, "VACUUM INTO ?").with(copy).run();
    if (auto ok = database.status(); !ok) return ok;
    Transaction transaction(database);
    const bool unchanged = database.number("PRAGMA data_version") == changes;
    std::error_code problem;
    if (!unchanged) {
      if (before > 0) std::filesystem::remove(copy, problem);
      continue;
    }
    if (before > 0) {
      if (auto ok = sync_file(copy); !ok) return ok;
      std::filesystem::rename(copy, name, problem);
      if (problem) return fail(ErrorCode::kFailed, "the old store can't be kept: " + problem.message(), name);
      sync_folder(folder_of(name));
    }
    if (auto ok = apply(database, steps); !ok) return ok;
    return transaction.commit();
  }
  return fail(ErrorCode::kFailed, "the store can't be upgraded while another process writes it", database.path(),
              "try again");
}

bool is_current(Database& database, const std::vector<std::string>& steps) {
  return database.number("PRAGMA user_version") == static_cast<int64_t>(steps.size());
}

}  // namespace

const std::vector<std::string>& migrations() {
  static const std::vector<std::string> steps = {kVersion1, kVersion2, kVersion3, kVersion4, kVersion5};
  return steps;
}

Result<std::unique_ptr<Database>> open_store(const std::string& path, Open how, const std::vector<std::string>& steps) {
  if (!can_write(path)) return open_store_to_read(path, steps);
  if (auto ok = try_folder(path); !ok) return forward(ok);
  auto database = Database::open(path, how);
  if (!database) return database;
  if (auto ok = check_kind(**database, static_cast<int64_t>(steps.size())); !ok) return forward(ok);
  use_write_ahead_log(**database);
  (*database)->run("PRAGMA synchronous = FULL");
  if (auto ok = upgrade(**database, steps); !ok) return forward(ok);
  return database;
}

Result<std::unique_ptr<Database>> open_store_to_read(const std::string& path, const std::vector<std::string>& steps) {
  auto database = Database::open(path, Open::kReadOnly);
  if (!database) return database;
  if (auto ok = check_kind(**database, static_cast<int64_t>(steps.size())); !ok) return forward(ok);
  if (is_current(**database, steps)) return database;
  auto copy = (*database)->copy_in_memory();
  if (!copy) return copy;
  if (auto ok = apply(**copy, steps); !ok) return forward(ok);
  (*copy)->make_read_only();
  return copy;
}

}  // namespace hre::store
