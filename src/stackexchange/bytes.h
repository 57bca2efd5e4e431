#pragma once
/// Streams of bytes, the form in which dumps are read: a file, an entry of an archive, memory.

#include <functional>
#include <memory>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "hre/result.h"

namespace hre::stackexchange {

/// Bytes from beginning to end. Not thread-safe.
class ByteSource {
 public:
  virtual ~ByteSource() = default;
  /// Reads up to n bytes (n > 0) and returns their number; 0 only at the end.
  virtual Result<size_t> read(char* to, size_t n) = 0;
};

/// A file's bytes.
Result<std::unique_ptr<ByteSource>> open_file(const std::string& path);

/// Bytes in memory, which must outlive the source.
std::unique_ptr<ByteSource> open_memory(std::string_view bytes);

/// Reads `inner` a few mebibytes ahead in a separate thread, so that unpacking and parsing overlap. `inner` must
/// outlive the source and must not be used in the meantime.
std::unique_ptr<ByteSource> read_ahead(ByteSource& inner);

/// An entry of an archive: its stored name, and its unpacked size in bytes.
struct ArchiveEntry {
  std::string name;
  int64_t bytes = 0;
};

/// Lists an archive (.7z) without unpacking it.
Result<std::vector<ArchiveEntry>> list_archive(const std::string& path);

/// Streams the entries of an archive that `wanted` selects, in their order in the archive, and unpacks them in memory.
/// The token also stops the unpacking of skipped entries: kInterrupted.
Status visit_archive(const std::string& path, const std::function<bool(const std::string& name)>& wanted,
                     const std::function<Status(const std::string& name, ByteSource& bytes)>& visit,
                     const std::stop_token& stop);

}  // namespace hre::stackexchange
