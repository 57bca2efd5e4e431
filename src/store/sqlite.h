#pragma once
/// SQLite as the store uses it. Goals: statements that read like what they do, failures as Errors. Non-goals: an
/// object-relational mapper, other databases. The only folder that includes sqlite3.h.
///
/// Failures are sticky: the Database keeps the first failure, and further steps do nothing. status() returns and clears
/// the failure, so a group of statements needs one check at its end.

#include <sqlite3.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "hre/result.h"

namespace hre::store {

/// How to open a file.
enum class Open {
  kCreate,    ///< for writing; created if there is none
  kExisting,  ///< for writing
  kReadOnly,  ///< never writes to it: see Database::open
};

/// One connection; for one thread at a time. Not movable, because statements hold a pointer to it.
class Database {
 public:
  /// A database that is opened for reading is read as it is at one moment. A store without a log of writes beside it is
  /// read into memory as a whole, because SQLite would otherwise write beside the file, or see the file change; a store
  /// with a log is read through that log, or not at all.
  static Result<std::unique_ptr<Database>> open(const std::string& path, Open how);
  /// A copy in memory, which may be written.
  Result<std::unique_ptr<Database>> copy_in_memory();
  ~Database();
  Database(const Database&) = delete;
  Database& operator=(const Database&) = delete;

  /// Runs statements without results; a failure is kept for status().
  void run(const char* sql);
  /// The first number of the first row; 0 if there is no row.
  int64_t number(const char* sql);

  /// Returns the first failure since the last call, and clears it.
  Status status();
  [[nodiscard]] bool failed() const { return problem_.has_value(); }
  /// Records a failure, unless an earlier one is recorded.
  void stick(int code);

  /// Fails where the file no longer stands at its path, as after a repair: what is written there would be lost.
  void check_place();

  [[nodiscard]] bool is_read_only() const { return read_only_; }
  void make_read_only() { read_only_ = true; }
  [[nodiscard]] const std::string& path() const { return path_; }
  [[nodiscard]] int64_t last_row() const { return sqlite3_last_insert_rowid(handle_); }
  [[nodiscard]] int64_t changes() const { return sqlite3_changes64(handle_); }
  [[nodiscard]] sqlite3* handle() const { return handle_; }

 private:
  Database(sqlite3* handle, std::string path) : handle_(handle), path_(std::move(path)) {}
  static Result<std::unique_ptr<Database>> open_at(const std::string& uri, const std::string& path, int access);
  static Result<std::unique_ptr<Database>> open_to_read(const std::string& path);
  static Result<std::unique_ptr<Database>> open_left_log(const std::string& path, const std::string& folder);
  static Result<std::unique_ptr<Database>> from_bytes(std::string bytes, const std::string& path);
  sqlite3* handle_;
  bool read_only_ = false;
  std::string path_;
  std::optional<Error> problem_;
};

/// A prepared statement. Arguments are counted from 1 and columns from 0, as in SQLite; `with` sets all arguments in
/// their order and restarts the statement. Blobs and texts are valid until the next step.
class Statement {
 public:
  Statement(Database& database, std::string_view sql);
  ~Statement() { sqlite3_finalize(statement_); }
  Statement(const Statement&) = delete;
  Statement& operator=(const Statement&) = delete;

  template <class... Values>
  Statement& with(const Values&... values) {
    reset();
    [[maybe_unused]] int index = 0;
    (bind(++index, values), ...);
    return *this;
  }
  /// Goes to the next row: false at the end, and after a failure.
  bool step();
  /// Runs a statement that returns no rows.
  void run() {
    while (step()) {
    }
  }

  [[nodiscard]] bool is_null(int column) const;
  [[nodiscard]] int64_t integer(int column) const { return sqlite3_column_int64(statement_, column); }
  [[nodiscard]] double real(int column) const;
  [[nodiscard]] std::optional<double> maybe_real(int column) const;
  [[nodiscard]] std::string text(int column) const;
  [[nodiscard]] std::string_view blob(int column) const;

 private:
  void reset();
  void bind(int index, int64_t value);
  void bind(int index, int value) { bind(index, static_cast<int64_t>(value)); }
  void bind(int index, bool value) { bind(index, static_cast<int64_t>(value)); }
  void bind(int index, size_t value) { bind(index, static_cast<int64_t>(value)); }
  void bind(int index, double value);
  void bind(int index, const std::optional<double>& value);
  void bind(int index, const std::optional<int64_t>& value);
  void bind(int index, const std::string& value);
  void bind(int index, const char* value) { bind(index, std::string(value)); }
  /// A string_view is bound as a blob; a string is bound as text.
  void bind(int index, std::string_view value);
  void bind(int index, const std::optional<std::string_view>& value);
  void bind(int index, std::nullptr_t);
  void check(int code);

  Database& database_;
  sqlite3_stmt* statement_ = nullptr;
};

/// A writing transaction; rolled back if it is not committed.
class Transaction {
 public:
  explicit Transaction(Database& database);
  ~Transaction();
  Transaction(const Transaction&) = delete;
  Transaction& operator=(const Transaction&) = delete;
  /// Commits, and returns the first failure since the database's last status().
  Status commit();

 private:
  Database& database_;
  bool open_ = false;
};

}  // namespace hre::store
