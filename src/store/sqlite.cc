#include "store/sqlite.h"

#include <sys/stat.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <filesystem>
#include <fstream>
#include <limits>
#include <thread>

#include "core/files.h"

namespace hre::store {
namespace {

constexpr int kBusyMilliseconds = 30000;

struct Meaning {
  ErrorCode code;
  const char* message;
  const char* next;
};

Meaning meaning_of(int code) {
  switch (code & 0xff) {
    case SQLITE_NOTADB:
      return {ErrorCode::kInput, "is not a store of runs", "give another ‹store›"};
    case SQLITE_CORRUPT:
      return {ErrorCode::kFailed, "the store is damaged", "hre runs repair saves what can be read"};
    case SQLITE_FULL:
      return {ErrorCode::kFailed, "the disk is full", "free some space, or give a ‹store› on another disk"};
    case SQLITE_READONLY:
      return {ErrorCode::kFailed, "the store can't be written", "give a ‹store› that can be written"};
    case SQLITE_CANTOPEN:
      return {ErrorCode::kFailed, "the store can't be opened", "give a ‹store› in a folder that can be written"};
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
      return {ErrorCode::kFailed, "another process has locked the store", "try again when that process is done"};
    default:
      return {ErrorCode::kFailed, "the store failed", ""};
  }
}

Error describe(int code, const std::string& detail, const std::string& path) {
  const Meaning meaning = meaning_of(code);
  return {meaning.code, std::string(meaning.message) + " (" + detail + ")", path, meaning.next};
}

/// A path as SQLite's URI, with parameters.
std::string uri_of(const std::string& path, const std::string& parameters) {
  std::string uri = path.starts_with('/') ? "file://" : "file:";  // otherwise the x of //x would be taken for a host
  for (const char c : path) {
    if (c == '%' || c == '?' || c == '#') {
      constexpr char kHex[] = "0123456789ABCDEF";
      uri += {'%', kHex[c >> 4], kHex[c & 15]};
    } else {
      uri += c;
    }
  }
  return uri + parameters;
}

/// Shows whether a file was changed.
struct FileState {
  int64_t size = -1, seconds = 0, nanoseconds = 0;
  bool operator==(const FileState&) const = default;
};

FileState state_of(const std::string& path) {
  struct stat status = {};
  if (stat(path.c_str(), &status) != 0) return {};
  return {status.st_size, status.st_mtim.tv_sec, status.st_mtim.tv_nsec};
}

/// Offsets of a database file's format bytes: 2 means that a write-ahead log is used.
constexpr size_t kWriteVersion = 18, kReadVersion = 19;

constexpr const char* kUnreadableLog =
    "its write-ahead log can't be read from here; a process that can write the store must open the store once (hre "
    "runs "
    "list)";

bool is_in_log_mode(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  char head[20] = {};
  return file.read(head, sizeof head) && head[kReadVersion] == 2;
}

}  // namespace

Result<std::unique_ptr<Database>> Database::open_at(const std::string& uri, const std::string& path, int access) {
  sqlite3* handle = nullptr;
  const int code = sqlite3_open_v2(uri.c_str(), &handle, access | SQLITE_OPEN_URI | SQLITE_OPEN_NOMUTEX, nullptr);
  std::unique_ptr<Database> database(new Database(handle, path));
  if (code != SQLITE_OK) {
    return tl::unexpected<Error>(describe(code, handle == nullptr ? "no memory" : sqlite3_errmsg(handle), path));
  }
  sqlite3_extended_result_codes(handle, 1);
  sqlite3_busy_timeout(handle, kBusyMilliseconds);
  database->run("PRAGMA foreign_keys = ON");
  if (auto ok = database->status(); !ok) return forward(ok);
  return database;
}

Result<std::unique_ptr<Database>> Database::open(const std::string& path, Open how) {
  std::error_code ignored;
  if (std::filesystem::is_directory(path, ignored)) return input_error("is a folder, not a store of runs", path);
  if (how == Open::kReadOnly) return open_to_read(path);
  const int access = SQLITE_OPEN_READWRITE | (how == Open::kCreate ? SQLITE_OPEN_CREATE : 0);
  return open_at(uri_of(path, ""), path, access);
}

Result<std::unique_ptr<Database>> Database::open_to_read(const std::string& path) {
  std::error_code ignored;
  for (int tries = 0; tries < 20; ++tries) {
    const FileState before = state_of(path);
    const FileState log = state_of(path + "-wal");
    const bool has_log = log.size > 0;
    if (has_log && !path_exists(path + "-shm")) {
      const TemporaryFolder folder((std::filesystem::temp_directory_path(ignored) / "hre-store").string());
      if (!folder.path().empty()) {
        auto copy = open_left_log(path, folder.path());
        if (!copy || (state_of(path) == before && state_of(path + "-wal") == log)) return copy;
      }
    }
    if (has_log || !is_in_log_mode(path)) {
      auto database = open_at(uri_of(path, "?mode=ro"), path, SQLITE_OPEN_READONLY);
      if (!database) return database;
      (*database)->read_only_ = true;
      (*database)->number("SELECT count(*) FROM sqlite_schema");
      if (auto ok = (*database)->status(); !ok) {
        if (has_log) ok.error().next = kUnreadableLog;
        return forward(ok);
      }
      return database;
    }
    auto bytes = read_file(path);
    if (!bytes) return forward(bytes);
    const bool unchanged = state_of(path) == before && state_of(path + "-wal").size <= 0;
    if (!unchanged) {
      std::this_thread::sleep_for(std::chrono::milliseconds(50));
      continue;
    }
    return from_bytes(std::move(*bytes), path);
  }
  return fail(ErrorCode::kFailed, "the store can't be read while another process writes it", path, "try again");
}

// A log without its index (-shm) was left by a process that is gone. To read it, SQLite would make the index, and so
// write beside the store: it does that beside a copy.
Result<std::unique_ptr<Database>> Database::open_left_log(const std::string& path, const std::string& folder) {
  const std::string place = folder + "/store";
  for (const char* part : {"", "-wal"}) {
    auto bytes = read_file(path + part);
    if (!bytes) {
      bytes.error() = {ErrorCode::kFailed, bytes.error().message, path + part, kUnreadableLog};
      return forward(bytes);
    }
    if (auto ok = write_file(place + part, *bytes); !ok) return forward(ok);
  }
  auto copy = open_at(uri_of(place, ""), path, SQLITE_OPEN_READWRITE);
  if (!copy) return copy;
  auto database = (*copy)->copy_in_memory();
  if (database) (*database)->make_read_only();
  return database;
}

Result<std::unique_ptr<Database>> Database::from_bytes(std::string bytes, const std::string& path) {
  auto database = open_at(":memory:", path, SQLITE_OPEN_READWRITE);
  if (!database) return database;
  bytes[kWriteVersion] = bytes[kReadVersion] = 1;  // a database in memory has no log
  auto* copy = static_cast<unsigned char*>(sqlite3_malloc64(bytes.size()));
  if (copy == nullptr) return fail(ErrorCode::kFailed, "not enough memory for the store", path);
  std::ranges::copy(bytes, copy);
  const auto size = static_cast<sqlite3_int64>(bytes.size());
  (*database)->stick(sqlite3_deserialize((*database)->handle_, "main", copy, size, size,
                                         SQLITE_DESERIALIZE_FREEONCLOSE | SQLITE_DESERIALIZE_READONLY));
  (*database)->read_only_ = true;
  (*database)->number("SELECT count(*) FROM sqlite_schema");
  if (auto ok = (*database)->status(); !ok) return forward(ok);
  return database;
}

Result<std::unique_ptr<Database>> Database::copy_in_memory() {
  auto copy = open_at(":memory:", path_, SQLITE_OPEN_READWRITE);
  if (!copy) return copy;
  sqlite3_backup* backup = sqlite3_backup_init((*copy)->handle_, "main", handle_, "main");
  if (backup != nullptr) {
    sqlite3_backup_step(backup, -1);
    sqlite3_backup_finish(backup);
  }
  (*copy)->stick(sqlite3_errcode((*copy)->handle_));
  if (auto ok = (*copy)->status(); !ok) return forward(ok);
  return copy;
}

Database::~Database() { sqlite3_close(handle_); }

void Database::run(const char* sql) {
  if (failed()) return;
  stick(sqlite3_exec(handle_, sql, nullptr, nullptr, nullptr));
}

int64_t Database::number(const char* sql) {
  Statement statement(*this, sql);
  return statement.step() ? statement.integer(0) : 0;
}

void Database::stick(int code) {
  if (code == SQLITE_OK || code == SQLITE_ROW || code == SQLITE_DONE || failed()) return;
  problem_ = describe(code, sqlite3_errmsg(handle_), path_);
}

void Database::check_place() {
  int moved = 0;
  const int code = sqlite3_file_control(handle_, "main", SQLITE_FCNTL_HAS_MOVED, &moved);
  if (code != SQLITE_OK || moved == 0 || failed()) return;
  problem_ = Error{ErrorCode::kFailed, "another file has replaced the store since it was opened", path_,
                   "run the command again"};
}

Status Database::status() {
  if (!failed()) return {};
  Error error = std::move(*problem_);
  problem_.reset();
  return tl::unexpected<Error>(std::move(error));
}

Statement::Statement(Database& database, std::string_view sql) : database_(database) {
  if (database.failed()) return;
  check(sqlite3_prepare_v2(database.handle(), sql.data(), static_cast<int>(sql.size()), &statement_, nullptr));
}

void Statement::reset() {
  if (statement_ == nullptr) return;  // preparing it failed, which is kept as the database's failure
  sqlite3_reset(statement_);
  sqlite3_clear_bindings(statement_);
}

bool Statement::step() {
  if (statement_ == nullptr) check(SQLITE_MISUSE);
  if (database_.failed()) return false;
  const int code = sqlite3_step(statement_);
  if (code == SQLITE_ROW) return true;
  check(code);
  sqlite3_reset(statement_);
  return false;
}

void Statement::check(int code) { database_.stick(code); }

bool Statement::is_null(int column) const { return sqlite3_column_type(statement_, column) == SQLITE_NULL; }

double Statement::real(int column) const {
  return is_null(column) ? std::numeric_limits<double>::quiet_NaN() : sqlite3_column_double(statement_, column);
}

std::optional<double> Statement::maybe_real(int column) const {
  return is_null(column) ? std::nullopt : std::optional(sqlite3_column_double(statement_, column));
}

std::string Statement::text(int column) const {
  const auto* bytes = reinterpret_cast<const char*>(sqlite3_column_text(statement_, column));
  return bytes == nullptr ? "" : std::string(bytes, static_cast<size_t>(sqlite3_column_bytes(statement_, column)));
}

std::string_view Statement::blob(int column) const {
  const auto* bytes = static_cast<const char*>(sqlite3_column_blob(statement_, column));
  return bytes == nullptr ? std::string_view()
                          : std::string_view(bytes, static_cast<size_t>(sqlite3_column_bytes(statement_, column)));
}

void Statement::bind(int index, int64_t value) {
  if (statement_ != nullptr) check(sqlite3_bind_int64(statement_, index, value));
}

void Statement::bind(int index, double value) {
  if (std::isnan(value)) return bind(index, nullptr);  // SQLite has no NaN; NULL is read back as NaN
  if (statement_ != nullptr) check(sqlite3_bind_double(statement_, index, value));
}

void Statement::bind(int index, const std::optional<double>& value) {
  return value ? bind(index, *value) : bind(index, nullptr);
}

void Statement::bind(int index, const std::optional<int64_t>& value) {
  return value ? bind(index, *value) : bind(index, nullptr);
}

void Statement::bind(int index, const std::string& value) {
  if (statement_ == nullptr) return;
  check(sqlite3_bind_text64(statement_, index, value.data(), value.size(), SQLITE_TRANSIENT, SQLITE_UTF8));
}

void Statement::bind(int index, std::string_view value) {
  if (statement_ == nullptr) return;
  check(sqlite3_bind_blob64(statement_, index, value.empty() ? "" : value.data(), value.size(), SQLITE_TRANSIENT));
}

void Statement::bind(int index, const std::optional<std::string_view>& value) {
  return value ? bind(index, *value) : bind(index, nullptr);
}

void Statement::bind(int index, std::nullptr_t) {
  if (statement_ != nullptr) check(sqlite3_bind_null(statement_, index));
}

Transaction::Transaction(Database& database) : database_(database) {
  database_.run("BEGIN IMMEDIATE");
  open_ = !database_.failed();
  if (open_) database_.check_place();
}

Transaction::~Transaction() {
  if (open_ && sqlite3_get_autocommit(database_.handle()) == 0) {
    sqlite3_exec(database_.handle(), "ROLLBACK", nullptr, nullptr, nullptr);
  }
}

Status Transaction::commit() {
  database_.run("COMMIT");
  Status status = database_.status();
  if (status) open_ = false;
  return status;
}

}  // namespace hre::store
