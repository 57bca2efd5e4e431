#include "store/sqlite.h"

#include <cmath>
#include <filesystem>
#include <limits>

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
      return {ErrorCode::kInput, "is no store of runs", "give another --store"};
    case SQLITE_CORRUPT:
      return {ErrorCode::kFailed, "the store is damaged", "hre runs repair saves what can be read"};
    case SQLITE_FULL:
      return {ErrorCode::kFailed, "the disk is full", "make room, or give a --store elsewhere"};
    case SQLITE_READONLY:
      return {ErrorCode::kFailed, "the store can't be written", "give a --store that can be written"};
    case SQLITE_CANTOPEN:
      return {ErrorCode::kFailed, "the store can't be opened", "give a --store in a folder that can be written"};
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
      return {ErrorCode::kFailed, "another process holds the store", "try again when it is done"};
    default:
      return {ErrorCode::kFailed, "the store failed", ""};
  }
}

Error describe(int code, const std::string& detail, const std::string& path) {
  const Meaning meaning = meaning_of(code);
  return {meaning.code, std::string(meaning.message) + " (" + detail + ")", path, meaning.next};
}

/// A path as the URI that SQLite takes, with its parameters.
std::string uri_of(const std::string& path, const std::string& parameters) {
  std::string uri = "file:";
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

}  // namespace

Result<std::unique_ptr<Database>> Database::open(const std::string& path, Open how) {
  std::error_code ignored;
  if (std::filesystem::is_directory(path, ignored)) return input_error("is a folder, not a store of runs", path);
  const int access = how == Open::kReadOnly ? SQLITE_OPEN_READONLY
                     : how == Open::kCreate ? SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE
                                            : SQLITE_OPEN_READWRITE;
  // Without write access there is no room for the shared memory of the write-ahead log either.
  const std::string uri = uri_of(path, how == Open::kReadOnly ? "?immutable=1" : "");
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

Status Database::status() {
  if (!failed()) return {};
  Error error = std::move(*problem_);
  problem_.reset();
  return tl::unexpected<Error>(std::move(error));
}

bool Database::is_read_only() const { return sqlite3_db_readonly(handle_, "main") == 1; }

Statement::Statement(Database& database, std::string_view sql) : database_(database) {
  if (database.failed()) return;
  check(sqlite3_prepare_v2(database.handle(), sql.data(), static_cast<int>(sql.size()), &statement_, nullptr));
}

void Statement::reset() {
  if (statement_ == nullptr) return;  // it could not be prepared, which sticks
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
  if (std::isnan(value)) return bind(index, nullptr);  // SQLite has none; it comes back from NULL
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
