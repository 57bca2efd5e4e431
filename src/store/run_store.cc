/// The store for programs that read and manage runs.

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <filesystem>

#include "core/text.h"
#include "hre/store.h"
#include "store/keys.h"
#include "store/merge.h"
#include "store/names.h"
#include "store/rows.h"
#include "store/schema.h"

namespace hre {

using store::Database;
using store::Statement;
using store::Transaction;

struct RunStore::State {
  std::unique_ptr<Database> database;
};

namespace {

Result<std::vector<int64_t>> rows_of(Database& database, const char* sql, const std::string& argument) {
  Statement statement(database, sql);
  statement.with(argument);
  std::vector<int64_t> rows;
  while (statement.step()) rows.push_back(statement.integer(0));
  if (auto ok = database.status(); !ok) return forward(ok);
  return rows;
}

constexpr char kLatestFirst[] = "SELECT id FROM run WHERE ?1 = ?1 ORDER BY last_use DESC";

/// What "last" counts: an evaluation that failed before its first question leaves a run that nothing can be said of.
constexpr char kLatestWithQuestions[] =
    "SELECT id, name FROM run WHERE EXISTS (SELECT 1 FROM run_question WHERE run_question.run = run.id) "
    "ORDER BY last_use DESC";

/// Complete names take precedence over beginnings of ids.
Result<std::vector<int64_t>> matching_rows(Database& database, const std::string& argument) {
  auto named = rows_of(database, "SELECT id FROM run WHERE name = ?", argument);
  if (!named || !named->empty()) return named;
  constexpr size_t kShortestId = 4;
  const bool is_id =
      argument.size() >= kShortestId && argument.find_first_not_of("0123456789abcdef") == std::string::npos;
  if (!is_id) return std::vector<int64_t>();
  return rows_of(database, "SELECT id FROM run WHERE substr(key, 1, length(?1)) = ?1", argument);
}

/// "last", "last~2", "last:nightly-*", "last~1:nightly-*".
struct Latest {
  size_t steps = 0;         ///< back from the latest
  std::string names = "*";  ///< a glob: only runs whose names match count
};

std::optional<Latest> latest_of(const std::string& argument) {
  const size_t colon = std::min(argument.find(':'), argument.size());
  const std::string which = argument.substr(0, colon);
  Latest latest;
  if (colon < argument.size()) latest.names = argument.substr(colon + 1);
  if (which == "last") return latest;
  if (!which.starts_with("last~")) return std::nullopt;
  const char* end = which.data() + which.size();
  const auto [stop, problem] = std::from_chars(which.data() + 5, end, latest.steps);
  if (problem != std::errc() || stop != end) return std::nullopt;
  return latest;
}

Result<int64_t> latest_row(Database& database, const Latest& latest, const std::string& argument) {
  Statement all(database, kLatestWithQuestions);
  size_t found = 0;
  while (all.step()) {
    if (matches_glob(latest.names, all.text(1)) && found++ == latest.steps) return all.integer(0);
  }
  if (auto ok = database.status(); !ok) return forward(ok);
  return input_error("the store has " + counted(static_cast<int64_t>(found), "run") + " with questions" +
                         (latest.names == "*" ? "" : " whose name matches"),
                     argument, "hre runs list shows them");
}

Result<int64_t> row_of(Database& database, const std::string& argument) {
  if (const auto latest = latest_of(argument)) return latest_row(database, *latest, argument);
  auto rows = matching_rows(database, argument);
  if (!rows) return forward(rows);
  if (rows->size() == 1) return rows->front();
  if (rows->size() > 1) {
    return input_error(fmt::format("{} runs have ids that begin with this", rows->size()), argument,
                       "give more digits of the id");
  }
  Statement all(database, "SELECT name FROM run");
  std::vector<std::string> names = {"last"};
  while (all.step()) names.push_back(all.text(0));
  if (auto ok = database.status(); !ok) return forward(ok);
  const auto nearest = nearest_name(argument, names);
  return input_error("there is no run with this name or id", argument,
                     nearest ? "did you mean " + *nearest + "?" : "hre runs list shows them");
}

/// A run whose description can't be read, as far as it can.
Result<RunInfo> damaged_info(Database& database, int64_t row, const Error& why) {
  Statement at(database, "SELECT key, name, created, updated, origin, dataset_name FROM run WHERE id = ?");
  const bool found = at.with(row).step();
  if (auto ok = database.status(); !ok) return forward(ok);
  if (!found) return tl::unexpected<Error>(why);
  RunInfo info;
  info.id = at.text(0);
  info.name = at.text(1);
  info.created = at.text(2);
  info.updated = at.text(3);
  info.origin = at.text(4);
  info.dataset_name = at.text(5);
  info.problem = why.text();
  return info;
}

Result<RunInfo> info_of(Database& database, int64_t row) {
  auto stored = store::read_run(database, row);
  if (!stored) return damaged_info(database, row, stored.error());
  Statement count(database, "SELECT count(*) FROM run_question WHERE run = ?");
  RunInfo info;
  info.done = count.with(row).step() ? count.integer(0) : 0;
  info.id = stored->key;
  info.name = stored->label.name;
  info.created = stored->run.created;
  info.updated = stored->label.updated;
  info.origin = stored->label.origin;
  info.dataset_name = stored->run.dataset_name;
  info.dataset_source = stored->run.dataset_source;
  info.dataset_fingerprint = stored->run.dataset_fingerprint;
  info.planned = stored->run.planned;
  info.times = stored->run.times;
  info.value = stored->value;
  info.value_stderr = stored->value_stderr;
  info.value_low = stored->value_low;
  info.value_high = stored->value_high;
  if (!info.value && info.done > 0) {  // being evaluated, or left so by a crash
    // If an answer is damaged, the run is listed without a value; reading the run reports the damage.
    if (auto questions = store::read_questions(database, *stored)) {
      stored->run.questions = std::move(*questions);
      const Estimate estimate = store::published_value(stored->run);
      info.value = estimate.mean;
      info.value_stderr = estimate.stderr_;
      info.value_low = estimate.ci_low;
      info.value_high = estimate.ci_high;
      const bool may_grow = info.done < info.planned;  // then the value would soon be that of fewer questions
      if (estimate.mean && !may_grow && !database.is_read_only()) store::keep_value(database, row, estimate);
    }
    if (auto ok = database.status(); !ok) return forward(ok);
  }
  info.model = std::move(stored->run.model);
  info.options = std::move(stored->run.options);
  return info;
}

/// Removes rows that belong to no run any more.
void remove_orphans(Database& database) {
  database.run("DELETE FROM score WHERE id NOT IN (SELECT score FROM run_question WHERE score IS NOT NULL)");
  database.run(
      "DELETE FROM token_text WHERE id NOT IN (SELECT token_text FROM answer_score WHERE token_text IS NOT NULL)");
  database.run("DELETE FROM question WHERE id NOT IN (SELECT question FROM run_question)");
  database.run(
      "DELETE FROM setting WHERE id NOT IN (SELECT setting FROM run) AND id NOT IN (SELECT setting FROM score)");
}

}  // namespace

RunStore::RunStore(std::unique_ptr<State> state) : state_(std::move(state)) {}
RunStore::~RunStore() = default;
RunStore::RunStore(RunStore&&) noexcept = default;
RunStore& RunStore::operator=(RunStore&&) noexcept = default;

Result<RunStore> RunStore::open(const std::string& path) {
  std::error_code ignored;
  if (!std::filesystem::exists(path, ignored)) return input_error("there is no store of runs", path);
  auto database = store::open_store(path, store::Open::kExisting);
  if (!database) return forward(database);
  return RunStore(std::make_unique<State>(State{std::move(*database)}));
}

Result<RunStore> RunStore::open_or_create(const std::string& path) {
  auto database = store::open_store(path, store::Open::kCreate);
  if (!database) return forward(database);
  return RunStore(std::make_unique<State>(State{std::move(*database)}));
}

Result<std::vector<RunInfo>> RunStore::list() {
  auto rows = rows_of(*state_->database, kLatestFirst, "");
  if (!rows) return forward(rows);
  std::vector<RunInfo> infos;
  for (const int64_t row : *rows) {
    auto info = info_of(*state_->database, row);
    if (!info) return forward(info);
    infos.push_back(std::move(*info));
  }
  return infos;
}

Result<RunInfo> RunStore::find(const std::string& argument) {
  auto row = row_of(*state_->database, argument);
  if (!row) return forward(row);
  return info_of(*state_->database, *row);
}

Result<Run> RunStore::load(const RunInfo& info) {
  auto rows = rows_of(*state_->database, "SELECT id FROM run WHERE key = ?", info.id);
  if (!rows) return forward(rows);
  if (rows->empty()) return input_error("the run no longer exists", info.name);
  auto stored = store::read_run(*state_->database, rows->front());
  if (!stored) return forward(stored);
  auto questions = store::read_questions(*state_->database, *stored);
  if (!questions) return forward(questions);
  Run run = std::move(stored->run);
  run.id = info.id;
  run.name = info.name;
  run.questions = std::move(*questions);
  return run;
}

Result<Run> RunStore::load(const std::string& argument) {
  auto info = find(argument);
  if (!info) return forward(info);
  return load(*info);
}

Result<Added> RunStore::add(const Run& run, const std::string& name, const std::string& origin) {
  if (run.shard || run.options.shard) {
    return input_error("is one shard of a run and would be taken for the whole run", origin,
                       "hre runs merge makes one run of all shards");
  }
  Database& database = *state_->database;
  Transaction transaction(database);
  const std::string key = store::key_beside(database, store::imported_key(run), run);
  auto chosen = store::choose_name(database, key, run, name);
  if (!chosen) return forward(chosen);
  Statement known(database, "SELECT 1 FROM run WHERE key = ?");
  const bool is_new = !known.with(key).step();
  if (!is_new && !name.empty()) Statement(database, "UPDATE run SET name = ? WHERE key = ?").with(name, key).run();
  if (is_new) {
    const int64_t setting = store::put_setting(database, run.model);
    auto row = store::put_run(database, key, run, setting, {*chosen, run.created, origin});
    if (!row) return forward(row);
    store::QuestionWriter writer(database, *row, setting, store::Stored::kStay);
    for (size_t i = 0; i < run.questions.size(); ++i) writer.put(static_cast<int64_t>(i), "", run.questions[i]);
    store::put_end(database, *row, run);
  }
  if (auto ok = transaction.commit(); !ok) return forward(ok);
  return Added{*chosen, is_new};
}

Status RunStore::remove(const std::vector<RunInfo>& runs) {
  Database& database = *state_->database;
  Transaction transaction(database);
  Statement forget(database, "DELETE FROM run WHERE key = ?");
  for (const RunInfo& run : runs) forget.with(run.id).run();
  remove_orphans(database);
  return transaction.commit();
}

Result<Merged> RunStore::merge(const std::string& path) {
  std::error_code ignored;
  if (!std::filesystem::exists(path, ignored)) return input_error("there is no store of runs", path);
  if (std::filesystem::equivalent(path, state_->database->path(), ignored)) {
    return input_error("is the store itself", path, "give another store to take runs from");
  }
  auto other = store::open_store_to_read(path);
  if (!other) return forward(other);
  return store::merge_stores(*state_->database, **other);
}

}  // namespace hre
