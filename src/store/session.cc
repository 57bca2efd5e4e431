#include "store/session.h"

#include <ctime>
#include <map>

#include "store/description.h"
#include "store/keys.h"
#include "store/names.h"
#include "store/process.h"
#include "store/rows.h"
#include "store/schema.h"
#include "store/writer.h"

namespace hre::store {

struct Session::State {
  std::unique_ptr<Database> database;
  int64_t run = 0, setting = 0;
  std::string run_name, run_id, prompt, dataset_fingerprint;
  bool needs_tokens = false;
  std::map<int64_t, int64_t> held;  // rows of the answers that the run had at its beginning, by position
  std::string owner = process_identity();
  std::unique_ptr<Writer> writer;  // null if the store can't be written
};

namespace {

int64_t now() { return static_cast<int64_t>(std::time(nullptr)); }

/// The setting's row, without adding one; 0 if it does not exist.
int64_t find_setting(Database& database, const ModelDescription& model) {
  Statement find(database, "SELECT id FROM setting WHERE key = ?");
  const std::string key = setting_key(setting_components(model));
  return find.with(std::string_view(key)).step() ? find.integer(0) : 0;
}

std::map<int64_t, int64_t> read_held(Database& database, int64_t run) {
  std::map<int64_t, int64_t> held;
  Statement rows(database, "SELECT position, score FROM run_question WHERE run = ? AND score IS NOT NULL");
  rows.with(run);
  while (rows.step()) held.emplace_hint(held.end(), rows.integer(0), rows.integer(1));
  return held;
}

}  // namespace

Session::Session(std::unique_ptr<State> state) : state_(std::move(state)) {}
Session::~Session() = default;

Result<std::unique_ptr<Session>> Session::begin(const std::string& path, const Run& run, const std::string& name,
                                                Stored stored) {
  auto database = open_store(path, Open::kCreate);
  if (!database) return forward(database);
  auto state = std::make_unique<State>();
  state->prompt = run.options.prompt;
  state->dataset_fingerprint = run.dataset_fingerprint;
  state->run_id = run_key(run);
  state->needs_tokens = run.options.keep_tokens;
  if ((*database)->is_read_only()) {
    state->setting = find_setting(**database, run.model);
    if (auto ok = (*database)->status(); !ok) return forward(ok);
  } else {
    Transaction transaction(**database);
    auto chosen = choose_name(**database, state->run_id, run, name);
    if (!chosen) return forward(chosen);
    state->run_name = *chosen;
    state->setting = put_setting(**database, run.model);
    // Questions of an imported run may be numbered differently, and its answers can't be reused anyway.
    Statement(**database, "DELETE FROM run_question WHERE run IN (SELECT id FROM run WHERE key = ? AND origin <> ?)")
        .with(state->run_id, kScored)
        .run();
    auto row = put_run(**database, state->run_id, run, state->setting, {*chosen, run.created, kScored});
    if (!row) return forward(row);
    state->run = *row;
    state->held = read_held(**database, *row);
    Statement(**database, "DELETE FROM claim WHERE expires < ?").with(now()).run();
    if (auto ok = transaction.commit(); !ok) return forward(ok);
    auto own = open_store(path, Open::kExisting);
    if (!own) return forward(own);
    state->writer = std::make_unique<Writer>(
        std::move(*own), WriterTask{state->run, state->setting, state->owner, stored, state->needs_tokens});
    // Claims need not survive a power cut, and they are made between questions, so they must not wait for the disk.
    (*database)->run("PRAGMA synchronous = NORMAL");
  }
  state->database = std::move(*database);
  return std::unique_ptr<Session>(new Session(std::move(state)));
}

bool Session::can_write() const { return state_->writer != nullptr; }
const std::string& Session::run_name() const { return state_->run_name; }
const std::string& Session::run_id() const { return state_->run_id; }

Result<std::vector<std::optional<StoredScore>>> Session::find(std::span<const std::string> keys) {
  std::vector<std::optional<StoredScore>> found;
  found.reserve(keys.size());
  state_->database->run("BEGIN");  // one consistent view
  ScoreReader reader(*state_->database);
  for (const std::string& key : keys) found.push_back(reader.find(key, state_->setting));
  state_->database->run("COMMIT");
  if (auto ok = state_->database->status(); !ok) return forward(ok);
  return found;
}

Result<std::vector<Miss>> Session::misses(std::span<const std::string> keys) {
  Statement other(*state_->database,
                  "SELECT setting FROM score WHERE text_key = ? AND setting <> ? ORDER BY id DESC LIMIT 1");
  std::map<int64_t, int64_t> counts;
  for (const std::string& key : keys) {
    const bool is_there = other.with(std::string_view(key), state_->setting).step();
    ++counts[is_there ? other.integer(0) : 0];
  }
  Statement read(*state_->database, "SELECT components FROM setting WHERE id = ?");
  std::vector<Miss> misses;
  for (const auto& [setting, n] : counts) {
    Miss miss{n, {}};
    if (setting != 0 && read.with(setting).step()) {
      auto components = read_components(read.text(0));
      if (!components) return forward(components);
      miss.stored = std::move(*components);
    }
    misses.push_back(std::move(miss));
  }
  if (auto ok = state_->database->status(); !ok) return forward(ok);
  return misses;
}

Result<std::string> Session::run_with_other_prompt() {
  Statement runs(*state_->database,
                 "SELECT name, options FROM run WHERE dataset_fingerprint = ? AND setting = ? AND id <> ? "
                 "ORDER BY updated DESC");
  runs.with(state_->dataset_fingerprint, state_->setting, state_->run);
  std::string name;
  while (name.empty() && runs.step()) {
    auto options = read_options(runs.text(1));
    if (options && options->prompt != state_->prompt) name = runs.text(0);
  }
  if (auto ok = state_->database->status(); !ok) return forward(ok);
  return name;
}

bool Session::holds(int64_t position, const StoredScore& score) const {
  const auto at = state_->held.find(position);
  return at != state_->held.end() && at->second == score.row;
}

Result<Claimed> Session::claim(std::span<const std::string> keys) {
  Claimed claimed;
  Database& database = *state_->database;
  Transaction transaction(database);
  ScoreReader scores(database);
  Statement claim(database, "SELECT owner, expires FROM claim WHERE text_key = ? AND setting = ?");
  Statement take(database, "INSERT OR REPLACE INTO claim (text_key, setting, owner, expires) VALUES (?, ?, ?, ?)");
  std::map<std::string, bool> alive;  // each owner is checked only once
  for (size_t i = 0; i < keys.size(); ++i) {
    const std::string_view key = keys[i];
    if (auto score = scores.find(key, state_->setting);
        score && !score->damaged && (score->has_tokens || !state_->needs_tokens)) {
      claimed.finished.push_back({i, std::move(*score)});
      continue;
    }
    if (claim.with(key, state_->setting).step() && claim.text(0) != state_->owner && claim.integer(1) > now()) {
      const std::string owner = claim.text(0);
      const auto known = alive.try_emplace(owner, false);
      if (known.second) known.first->second = may_be_alive(owner);
      if (known.first->second) {
        claimed.theirs.push_back(i);
        claimed.other = process_id(owner);
        continue;
      }
    }
    take.with(key, state_->setting, state_->owner, now() + kLeaseSeconds).run();
    claimed.mine.push_back(i);
  }
  if (auto ok = transaction.commit(); !ok) return forward(ok);
  return claimed;
}

void Session::put(int64_t position, std::string key, QuestionResult question) {
  if (state_->writer) state_->writer->put(position, std::move(key), std::move(question));
}

std::optional<Error> Session::trouble() { return state_->writer ? state_->writer->trouble() : std::nullopt; }

Status Session::finish(const Run& run, std::span<const int64_t> surplus, std::span<const std::string> wrong) {
  if (!state_->writer) {
    return fail(ErrorCode::kFailed, "the store can't be written, so the run is not kept", state_->database->path(),
                "give a ‹store› that can be written");
  }
  if (auto ok = state_->writer->close(); !ok) return ok;
  state_->database->run("PRAGMA synchronous = FULL");
  Transaction transaction(*state_->database);
  Statement leave_out(*state_->database, "DELETE FROM run_question WHERE run = ? AND position = ?");
  for (const int64_t position : surplus) leave_out.with(state_->run, position).run();
  Statement leave(*state_->database,
                  "DELETE FROM run_question WHERE score = (SELECT id FROM score WHERE text_key = ? AND setting = ?)");
  Statement forget(*state_->database, "DELETE FROM score WHERE text_key = ? AND setting = ?");
  for (const std::string& key : wrong) {
    leave.with(std::string_view(key), state_->setting).run();
    forget.with(std::string_view(key), state_->setting).run();
  }
  put_end(*state_->database, state_->run, run);
  Statement(*state_->database,
            "UPDATE run SET updated = strftime('%Y-%m-%dT%H:%M:%SZ', 'now'), "
            "last_use = (SELECT max(last_use) + 1 FROM run) WHERE id = ?")
      .with(state_->run)
      .run();
  Statement(*state_->database, "DELETE FROM claim WHERE owner = ?").with(state_->owner).run();
  return transaction.commit();
}

int64_t Session::n_replaced() const { return state_->writer ? state_->writer->n_replaced() : 0; }

}  // namespace hre::store
