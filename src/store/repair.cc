/// Saves the readable part of a damaged store. Every row is looked up separately, so that a bad page costs only the
/// rows on it; rows that don't match their checksum are left out.

#include <fmt/format.h>

#include <filesystem>

#include "core/files.h"
#include "hre/store.h"
#include "store/rows.h"
#include "store/schema.h"

namespace hre {
namespace {

namespace fs = std::filesystem;
using store::Database;
using store::Statement;
using store::Transaction;

/// If a page of their table is bad, the rows of runs can't be listed. So they are looked up by number, up to the
/// highest number in any table, or up to this one.
constexpr int64_t kFewRuns = 1000;

int64_t highest_run(Database& from) {
  int64_t highest = kFewRuns;
  for (const char* sql : {"SELECT max(id) FROM run", "SELECT max(run) FROM run_question"}) {
    highest = std::max(highest, from.number(sql));
    (void)from.status();  // another table may still be readable
  }
  return highest;
}

std::string text_key(Database& from, int64_t run, int64_t position) {
  Statement key(
      from, "SELECT s.text_key FROM run_question r JOIN score s ON s.id = r.score WHERE r.run = ? AND r.position = ?");
  return key.with(run, position).step() ? std::string(key.blob(0)) : "";
}

/// Copies the readable questions of one run, and counts the others.
Status save_run(Database& to, Database& from, const store::RunRow& run, Repaired& repaired) {
  const int64_t setting = store::put_setting(to, run.run.model);
  auto row = store::put_run(to, run.key, run.run, setting, run.label);
  if (!row) return forward(row);
  store::QuestionWriter writer(to, *row, setting, store::Stored::kStay);
  Run saved = run.run;
  for (int64_t position = 0; position < run.run.planned; ++position) {
    auto question = store::QuestionReader(from).read(run, position);
    const bool readable = from.status().has_value();
    if (!readable || !question) {
      Statement there(from, "SELECT 1 FROM run_question WHERE run = ? AND position = ?");
      const bool known = there.with(run.row, position).step();
      if (!from.status() || known) ++repaired.lost_questions;
      continue;
    }
    const std::string key = text_key(from, run.row, position);
    writer.put(position, from.status() ? key : "", *question);
    saved.questions.push_back(std::move(*question));
  }
  Statement use(from, "SELECT last_use FROM run WHERE id = ?");  // by which "last" is found
  if (use.with(run.row).step()) {
    Statement(to, "UPDATE run SET last_use = ? WHERE id = ?").with(use.integer(0), *row).run();
  }
  (void)from.status();
  ++repaired.runs;
  repaired.questions += static_cast<int64_t>(saved.questions.size());
  store::put_end(to, *row, saved);
  return to.status();
}

/// The queue of a service. Stores of older versions have none; what can't be read is lost.
Status save_jobs(Database& to, Database& from) {
  const int64_t highest = from.number("SELECT max(id) FROM job");
  (void)from.status();
  for (int64_t id = 1; id <= highest; ++id) {
    Statement job(
        from, "SELECT status, model, request, created, started, ended, attempts, why, result FROM job WHERE id = ?");
    if (job.with(id).step()) {
      Statement(to, "INSERT INTO job VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)")
          .with(id, job.text(0), job.text(1), job.text(2), job.text(3), job.text(4), job.text(5), job.integer(6),
                job.text(7), job.text(8))
          .run();
    }
    (void)from.status();
  }
  return to.status();
}

Status save_all(Database& to, Database& from, Repaired& repaired) {
  Transaction transaction(to);
  const int64_t highest = highest_run(from);
  for (int64_t row = 1; row <= highest; ++row) {
    const auto run = store::read_run(from, row);
    (void)from.status();
    if (!run) continue;
    if (auto ok = save_run(to, from, *run, repaired); !ok) return ok;
  }
  if (auto ok = save_jobs(to, from); !ok) return ok;
  return transaction.commit();
}

/// Whether all of a store was copied, and SQLite finds no fault in its pages and indexes either.
bool is_healthy(Database& from, const Repaired& repaired) {
  const bool complete = repaired.lost_questions == 0 && from.number("SELECT count(*) FROM run") == repaired.runs &&
                        from.number("SELECT count(*) FROM run_question") == repaired.questions;
  if (!from.status() || !complete) return false;
  Statement check(from, "PRAGMA integrity_check");
  const bool sound = check.step() && check.text(0) == "ok";
  return from.status().has_value() && sound;
}

std::string free_path(const std::string& base) {
  std::string path = base;
  for (int n = 2; path_exists(path); ++n) path = fmt::format("{}-{}", base, n);
  return path;
}

/// Moves the old files aside, then the new file into their place. Where files can have two names there is a store at
/// this path at every moment, so that no other process makes a new one meanwhile.
Status replace(const std::string& path, const std::string& repaired, const std::string& aside) {
  std::error_code problem, no_links;
  fs::create_hard_link(path, aside, no_links);
  for (const char* suffix : {"-wal", "-shm"}) {
    if (!problem && path_exists(path + suffix)) fs::rename(path + suffix, aside + suffix, problem);
  }
  if (!problem && no_links) fs::rename(path, aside, problem);
  if (!problem) fs::rename(repaired, path, problem);
  if (problem) return fail(ErrorCode::kFailed, "files can't be renamed: " + problem.message(), path);
  sync_folder(folder_of(path));
  return {};
}

}  // namespace

Result<Repaired> repair_store(const std::string& path, bool rewrite_healthy) {
  if (!path_exists(path)) return input_error("there is no store of runs", path);
  auto from = Database::open(path, store::Open::kExisting);
  if (!from) return forward(from);
  // Lock out other processes, which would continue to write to the file that is moved aside.
  sqlite3_busy_timeout((*from)->handle(), 2000);
  (*from)->run("PRAGMA locking_mode = EXCLUSIVE");
  (*from)->number("SELECT count(*) FROM sqlite_schema");
  if (auto ok = (*from)->status(); !ok) {
    if (ok.error().message.starts_with("another process")) return forward(ok);
    ok.error().next = "nothing in the store can be read; remove the file to begin anew";
    return forward(ok);
  }
  const std::string fresh = free_path(path + ".repaired");
  Repaired repaired;
  repaired.damaged_copy = free_path(path + ".damaged");
  {
    auto to = store::open_store(fresh, store::Open::kCreate);
    if (!to) return forward(to);
    if (auto ok = save_all(**to, **from, repaired); !ok) return forward(ok);
    (*to)->run("PRAGMA journal_mode = DELETE");  // one file to rename; the next process that opens it changes this
    if (auto ok = (*to)->status(); !ok) return forward(ok);
  }
  if (!rewrite_healthy && is_healthy(**from, repaired)) {
    std::error_code problem;
    fs::remove(fresh, problem);
    if (problem) return fail(ErrorCode::kFailed, "can't be removed: " + problem.message(), fresh);
    repaired.damaged_copy.clear();
    return repaired;
  }
  // The lock is held until the files have their places. Closing writes nothing: a log of this name is the new store's.
  sqlite3_db_config((*from)->handle(), SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, nullptr);
  if (auto ok = replace(path, fresh, repaired.damaged_copy); !ok) return forward(ok);
  return repaired;
}

}  // namespace hre
