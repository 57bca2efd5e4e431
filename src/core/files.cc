#include "core/files.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <random>
#include <utility>

namespace hre {
namespace {

std::string why() { return std::strerror(errno); }

/// Opens a file without a name, which vanishes when its descriptor is closed; -1 if the file system has no such files.
int open_nameless(const std::string& folder) {
  return open(folder.empty() ? "." : folder.c_str(), O_TMPFILE | O_WRONLY | O_CLOEXEC, 0666);
}

bool link_to(int descriptor, const std::string& path) {
  const std::string self = "/proc/self/fd/" + std::to_string(descriptor);
  return linkat(AT_FDCWD, self.c_str(), AT_FDCWD, path.c_str(), AT_SYMLINK_FOLLOW) == 0;
}

/// Gives a nameless file a name beside the path; empty if that is impossible.
std::string link_beside(int descriptor, const std::string& path) {
  std::random_device random;
  for (int i = 0; i < 100; ++i) {
    std::string name = path + ".";
    for (int k = 0; k < 6; ++k) name += static_cast<char>('a' + random() % 26);
    if (link_to(descriptor, name)) return name;
    if (errno != EEXIST) break;
  }
  return "";
}

/// Creates a file beside the path, with six more letters in its name; the template then holds the name.
int open_beside(std::string& name_template) {
  const int descriptor = mkostemp(name_template.data(), O_CLOEXEC);
  const mode_t mask = umask(0);
  umask(mask);
  if (descriptor >= 0) fchmod(descriptor, 0666 & ~mask);
  return descriptor;
}

bool is_regular(int descriptor) {
  struct stat status = {};
  return fstat(descriptor, &status) == 0 && S_ISREG(status.st_mode);
}

/// Flushes a regular file to the disk.
Status write_all(int descriptor, const std::string& content, const std::string& path) {
  for (size_t done = 0; done < content.size();) {
    const ssize_t n = write(descriptor, content.data() + done, content.size() - done);
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return fail(ErrorCode::kFailed, "writing failed: " + why(), path);
    done += static_cast<size_t>(n);
  }
  if (!is_regular(descriptor) || fsync(descriptor) == 0) return {};
  return fail(ErrorCode::kFailed, "writing failed: " + why(), path);
}

}  // namespace

bool path_exists(const std::string& path) {
  std::error_code problem;
  return std::filesystem::exists(path, problem);
}

bool is_folder(const std::string& path) {
  std::error_code problem;
  return std::filesystem::is_directory(path, problem);
}

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
  // A device or pipe can't be replaced by a rename, so it is written in place.
  if (stat(path.c_str(), &status) == 0 && !S_ISREG(status.st_mode)) {
    const int descriptor = open(path.c_str(), O_WRONLY | O_CLOEXEC);
    if (descriptor < 0) return fail(ErrorCode::kFailed, "cannot be written: " + why(), path);
    return AtomicFile(path, "", descriptor);
  }
  const int nameless = open_nameless(std::filesystem::path(path).parent_path());
  if (nameless >= 0) return AtomicFile(path, "", nameless);
  std::string temporary = path + ".XXXXXX";
  const int descriptor = open_beside(temporary);
  if (descriptor < 0) {
    return input_error("cannot be written: " + why(), path, "give a path in a folder that exists and can be written");
  }
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
  if (auto ok = write_all(descriptor_, content, path_); !ok) return ok;
  const bool regular = is_regular(descriptor_);
  bool named = !regular || !temporary_.empty() || link_to(descriptor_, path_);
  if (!named) {  // link() never replaces a file: if the name is taken, link beside it and rename
    temporary_ = link_beside(descriptor_, path_);
    named = !temporary_.empty();
  }
  if (!named) {  // there is no /proc here
    temporary_ = path_ + ".XXXXXX";
    close(std::exchange(descriptor_, open_beside(temporary_)));
    if (descriptor_ < 0) {
      temporary_.clear();
      return fail(ErrorCode::kFailed, "writing failed: " + why(), path_);
    }
    if (auto ok = write_all(descriptor_, content, path_); !ok) return ok;
  }
  if (close(std::exchange(descriptor_, -1)) != 0) return fail(ErrorCode::kFailed, "writing failed: " + why(), path_);
  if (!temporary_.empty() && std::rename(temporary_.c_str(), path_.c_str()) != 0) {
    return fail(ErrorCode::kFailed, "renaming failed: " + why(), path_);
  }
  temporary_.clear();
  if (regular) sync_folder(folder_of(path_));
  return {};
}

Status write_file(const std::string& path, const std::string& content) {
  auto file = AtomicFile::create(path);
  return file ? file->commit(content) : forward(file);
}

TemporaryFolder::TemporaryFolder(const std::string& place) : path_(place + ".part-XXXXXX") {
  if (mkdtemp(path_.data()) == nullptr) path_.clear();
  const mode_t mask = umask(0);  // the cache may be shared, so use the permissions that the umask allows
  umask(mask);
  if (!path_.empty()) chmod(path_.c_str(), 0777 & ~mask);
}

TemporaryFolder::~TemporaryFolder() {
  std::error_code problem;
  if (!path_.empty()) std::filesystem::remove_all(path_, problem);
}

Status sync_file(const std::string& path) {
  const int descriptor = open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (descriptor < 0) return fail(ErrorCode::kFailed, "writing failed: " + why(), path);
  const bool synced = fsync(descriptor) == 0;
  const std::string problem = why();
  close(descriptor);
  if (synced) return {};
  return fail(ErrorCode::kFailed, "writing failed: " + problem, path);
}

void sync_folder(const std::string& folder) {
  const int descriptor = open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (descriptor < 0) return;
  (void)fsync(descriptor);
  close(descriptor);
}

std::string folder_of(const std::string& path) {
  const size_t slash = path.rfind('/');
  if (slash == std::string::npos) return ".";
  return slash == 0 ? "/" : path.substr(0, slash);
}

}  // namespace hre
