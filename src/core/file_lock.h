#pragma once
/// Exclusive locks between processes, for what is fetched or made once and then shared.

#include <optional>
#include <string>

#include "hre/result.h"

namespace hre {

/// The lock of a file, by flock, as Python's huggingface_hub takes it too. Held until destroyed, or until the process
/// ends, whatever ends it.
class FileLock {
 public:
  /// Makes the file. Nothing where another process holds it; fails where the file can't be made, or its file system
  /// knows no locks.
  static Result<std::optional<FileLock>> try_take(const std::string& path);
  ~FileLock();
  FileLock(FileLock&& other) noexcept;
  FileLock& operator=(FileLock&&) = delete;

 private:
  explicit FileLock(int descriptor) : descriptor_(descriptor) {}
  int descriptor_;
};

}  // namespace hre
