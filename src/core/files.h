#pragma once
/// Files that are read as a whole, and files that are written completely or not at all.

#include <cstdint>
#include <string>

#include "hre/result.h"

namespace hre {

/// Whether the path exists; whether it is a folder. False, too, if the system can't say.
bool path_exists(const std::string& path);
bool is_folder(const std::string& path);

/// The whole content of a file (or pipe). Input errors if it can't be read or holds more than max_bytes.
Result<std::string> read_file(const std::string& path, int64_t max_bytes = int64_t{4} << 30);

/// A file that appears under its name only when it is complete. Create it before long work begins: it then fails early
/// if its place can't be written. Until it is complete it has no name at all, if the file system allows that, so that a
/// killed process leaves nothing behind; otherwise it lies beside its place, with six more letters in its name.
class AtomicFile {
 public:
  /// Fails if the folder is missing or can't be written.
  static Result<AtomicFile> create(const std::string& path);
  ~AtomicFile();
  AtomicFile(AtomicFile&& other) noexcept;
  AtomicFile& operator=(AtomicFile&&) = delete;

  /// Writes the content, flushes it to the disk and gives the file its name. Call it once.
  Status commit(const std::string& content);

 private:
  AtomicFile(std::string path, std::string temporary, int descriptor)
      : path_(std::move(path)), temporary_(std::move(temporary)), descriptor_(descriptor) {}

  std::string path_, temporary_;
  int descriptor_;
};

/// The same at once.
Status write_file(const std::string& path, const std::string& content);

/// A folder of its own beside a place, with random letters in its name; removed with its content by the destructor.
class TemporaryFolder {
 public:
  explicit TemporaryFolder(const std::string& place);
  ~TemporaryFolder();
  TemporaryFolder(const TemporaryFolder&) = delete;
  TemporaryFolder& operator=(const TemporaryFolder&) = delete;

  /// Empty if it could not be created.
  [[nodiscard]] const std::string& path() const { return path_; }

 private:
  std::string path_;
};

/// Flushes a closed file to the disk, before it gets the name under which others find it.
Status sync_file(const std::string& path);

/// Flushes the names in a folder to the disk, so that renamed and linked files keep their names after a power cut. Some
/// file systems can't, which is no error.
void sync_folder(const std::string& folder);

/// The folder of a path; "." if the path has none.
std::string folder_of(const std::string& path);

}  // namespace hre
