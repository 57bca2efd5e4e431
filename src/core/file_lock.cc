#include "core/file_lock.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <utility>

namespace hre {
namespace {

/// Whether the path still names the open file; the last holder may have removed it in the meantime.
bool is_file_at(int descriptor, const std::string& path) {
  struct stat opened = {}, named = {};
  return fstat(descriptor, &opened) == 0 && stat(path.c_str(), &named) == 0 && opened.st_ino == named.st_ino;
}

}  // namespace

Result<std::optional<FileLock>> FileLock::try_take(const std::string& path) {
  const int descriptor = open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0666);
  if (descriptor < 0) return fail(ErrorCode::kFailed, std::string("cannot be written: ") + std::strerror(errno), path);
  const bool taken = flock(descriptor, LOCK_EX | LOCK_NB) == 0;
  const int problem = taken ? EWOULDBLOCK : errno;
  if (taken && is_file_at(descriptor, path)) return FileLock(descriptor);
  close(descriptor);
  if (problem == EWOULDBLOCK || problem == EINTR) return std::optional<FileLock>();
  return fail(ErrorCode::kFailed, std::string("cannot be locked: ") + std::strerror(problem), path);
}

FileLock::FileLock(FileLock&& other) noexcept : descriptor_(std::exchange(other.descriptor_, -1)) {}

FileLock::~FileLock() {
  if (descriptor_ >= 0) close(descriptor_);
}

}  // namespace hre
