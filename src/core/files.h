#pragma once
/// Files read whole, and files written whole or not at all.

#include <cstdint>
#include <string>

#include "hre/result.h"

namespace hre {

/// Whether there is anything at the path; whether it is a folder. False, too, where the system can't say.
bool path_exists(const std::string& path);
bool is_folder(const std::string& path);

/// All of a file (or pipe). Input errors where it can't be read or holds more than max_bytes.
Result<std::string> read_file(const std::string& path, int64_t max_bytes = int64_t{4} << 30);

/// A file that appears under its name only when it is complete. Made before long work begins, it also finds out early
/// that its place can't be written. Until it is complete it has no name at all where the file system can do that, so
/// that a process that is killed leaves nothing behind; elsewhere it lies beside its place, with six letters more.
class AtomicFile {
 public:
  /// Fails where the folder is missing or can't be written.
  static Result<AtomicFile> create(const std::string& path);
  ~AtomicFile();
  AtomicFile(AtomicFile&& other) noexcept;
  AtomicFile& operator=(AtomicFile&&) = delete;

  /// Writes all of the content, flushes it to the disk and gives the file its name. Once.
  Status commit(const std::string& content);

 private:
  AtomicFile(std::string path, std::string temporary, int descriptor)
      : path_(std::move(path)), temporary_(std::move(temporary)), descriptor_(descriptor) {}

  std::string path_, temporary_;
  int descriptor_;
};

/// Writes a closed file's content to the disk, before it is given a name by which others find it.
Status sync_file(const std::string& path);

/// Writes the names in a folder to the disk: what was renamed or linked there is still named so after a power cut. Some
/// file systems can't, which is no error.
void sync_folder(const std::string& folder);

/// The folder of a path, "." where it has none.
std::string folder_of(const std::string& path);

}  // namespace hre
