#pragma once
/// Exclusive locks between processes, for files that are fetched or made once and then shared.

#include <optional>
#include <string>

#include "hre/result.h"

namespace hre {

/// The flock of a file, which Python's huggingface_hub takes, too. Held until it is destroyed or the process ends, for
/// whatever reason.
class FileLock {
 public:
  /// Creates the file. Returns nothing if another process holds the lock; fails if the file can't be created or its
  /// file system has no locks.
  static Result<std::optional<FileLock>> try_take(const std::string& path);
  ~FileLock();
  FileLock(FileLock&& other) noexcept;
  FileLock& operator=(FileLock&&) = delete;

 private:
  explicit FileLock(int descriptor) : descriptor_(descriptor) {}
  int descriptor_;
};

}  // namespace hre
