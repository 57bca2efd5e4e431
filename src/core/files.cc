#include "core/files.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <utility>

namespace hre {
namespace {

std::string why() { return std::strerror(errno); }

}  // namespace

Result<std::string> read_file(const std::string& path, int64_t max_bytes) {
  const int descriptor = open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (descriptor < 0) return input_error("cannot be read: " + why(), path);
  std::string content;
  ssize_t n = 0;
  do {
    constexpr size_t kStep = 1 << 16;
    const size_t done = content.size();
    content.resize(std::max(content.capacity(), done + kStep));
    n = read(descriptor, content.data() + done, content.size() - done);
    content.resize(done + static_cast<size_t>(std::max<ssize_t>(0, n)));
  } while ((n > 0 && static_cast<int64_t>(content.size()) <= max_bytes) || (n < 0 && errno == EINTR));
  const std::string problem = n < 0 ? why() : "";
  close(descriptor);
  if (n < 0) return input_error("cannot be read: " + problem, path);
  if (static_cast<int64_t>(content.size()) > max_bytes) {
    return input_error("is longer than " + std::to_string(max_bytes) + " bytes", path);
  }
  return content;
}

Result<AtomicFile> AtomicFile::create(const std::string& path) {
  struct stat status = {};
  if (stat(path.c_str(), &status) == 0 && S_ISDIR(status.st_mode)) return input_error("is a folder, not a file", path);
  // A device or pipe can't be replaced by a rename: it is written as it is.
  if (stat(path.c_str(), &status) == 0 && !S_ISREG(status.st_mode)) {
    const int descriptor = open(path.c_str(), O_WRONLY | O_CLOEXEC);
    if (descriptor < 0) return fail(ErrorCode::kFailed, "cannot be written: " + why(), path);
    return AtomicFile(path, "", descriptor);
  }
  std::string temporary = path + ".XXXXXX";
  const int descriptor = mkostemp(temporary.data(), O_CLOEXEC);
  if (descriptor < 0) {
    return input_error("cannot be written: " + why(), path, "give a path in a folder that exists and can be written");
  }
  const mode_t mask = umask(0);
  umask(mask);
  fchmod(descriptor, 0666 & ~mask);
  return AtomicFile(path, temporary, descriptor);
}

AtomicFile::AtomicFile(AtomicFile&& other) noexcept
    : path_(std::move(other.path_)),
      temporary_(std::exchange(other.temporary_, {})),
      descriptor_(std::exchange(other.descriptor_, -1)) {}

AtomicFile::~AtomicFile() {
  if (descriptor_ >= 0) close(descriptor_);
  if (!temporary_.empty()) unlink(temporary_.c_str());
}

Status AtomicFile::commit(const std::string& content) {
  for (size_t done = 0; done < content.size();) {
    const ssize_t n = write(descriptor_, content.data() + done, content.size() - done);
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return fail(ErrorCode::kFailed, "writing failed: " + why(), path_);
    done += static_cast<size_t>(n);
  }
  const bool synced = temporary_.empty() || fsync(descriptor_) == 0;
  if (!synced || close(std::exchange(descriptor_, -1)) != 0) {
    return fail(ErrorCode::kFailed, "writing failed: " + why(), path_);
  }
  if (temporary_.empty()) return {};
  if (std::rename(temporary_.c_str(), path_.c_str()) != 0) {
    return fail(ErrorCode::kFailed, "renaming failed: " + why(), path_);
  }
  temporary_.clear();
  return {};
}

}  // namespace hre
