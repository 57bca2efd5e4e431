#pragma once
/// The results of `hre watch`: one JSON line per checkpoint (format hre-watch/1, docs/formats.md), which is all that a
/// watch remembers beside the store of runs. A line is written when its checkpoint is done with, so that a checkpoint
/// without one is still to be evaluated, whatever ended the process.
///
///   FILE        the lines; a last line without its end was cut off by a power cut, and is taken away
///   FILE.lock   held by the watch that writes. Its first line is the number of lines whose results were delivered, so
///               that a watch that was killed in between delivers again: at least once, and never twice if nothing is
///               killed. Its second line, while a checkpoint is evaluated, is how often in a row that was begun, and
///               the checkpoint's path.

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "core/file_lock.h"
#include "hre/result.h"

namespace hre::service {

/// What later decisions need of a line; the rest is for readers.
struct WatchLine {
  std::string status;    ///< "evaluated", "failed", "skipped"
  std::string path;      ///< of the checkpoint; absolute
  std::string identity;  ///< FoundCheckpoint::identity
  std::string training;
  std::optional<double> step, value;
  std::string run;                  ///< its id in the store; empty where there is none
  std::string dataset_fingerprint;  ///< of an evaluated one
  std::string text;                 ///< the whole line, without its end
};

/// Input errors for what is no line of this format.
Result<WatchLine> parse_watch_line(const std::string& text);

/// All whole lines of a file.
Result<std::vector<WatchLine>> read_watch_lines(const std::string& path);

class WatchLog {
 public:
  /// Creates the file and takes its lock. Fails if another process has it. Where the file system has no locks,
  /// `is_locked` is false.
  static Result<WatchLog> open(const std::string& path);

  [[nodiscard]] const std::vector<WatchLine>& lines() const { return lines_; }
  [[nodiscard]] const std::string& path() const { return path_; }
  [[nodiscard]] bool is_locked() const { return lock_.has_value(); }

  /// Appends a line and flushes it to the disk. If it can't be written whole (a full disk), nothing of it stays.
  Status append(const WatchLine& line);

  /// Results from this position on were not delivered yet.
  [[nodiscard]] size_t delivered() const { return delivered_; }
  Status set_delivered(size_t n);

  /// A checkpoint whose evaluation was begun and never ended, because the process did.
  struct Begun {
    std::string path;  ///< empty: none
    int times = 0;     ///< in a row
  };
  /// At the last one that was begun.
  [[nodiscard]] const Begun& begun() const { return begun_; }
  /// That the evaluation of a checkpoint begins; with an empty path, that it has ended.
  Status set_begun(const std::string& path);

 private:
  WatchLog(std::string path, std::optional<FileLock> lock) : path_(std::move(path)), lock_(std::move(lock)) {}
  Status read();
  Status write_state();

  std::string path_;
  std::optional<FileLock> lock_;
  std::vector<WatchLine> lines_;
  int64_t size_ = 0;  // bytes of whole lines
  size_t delivered_ = 0;
  Begun begun_;
};

}  // namespace hre::service
