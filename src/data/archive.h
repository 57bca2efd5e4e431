#pragma once
/// Archives (.7z, .zip), read in one pass without a file of their own on the disk.

#include <cstdint>
#include <functional>
#include <stop_token>
#include <string>
#include <vector>

#include "hre/result.h"

namespace hre::data {

/// Bytes from beginning to end. Not thread-safe.
class ByteSource {
 public:
  virtual ~ByteSource() = default;
  /// Reads up to n bytes (n > 0) and returns their number; 0 only at the end.
  virtual Result<size_t> read(char* to, size_t n) = 0;
};

/// An entry of an archive: its stored name, and its unpacked size in bytes.
struct ArchiveEntry {
  std::string name;
  int64_t bytes = 0;
};

/// Lists an archive without unpacking it.
Result<std::vector<ArchiveEntry>> list_archive(const std::string& path);

/// Streams the entries of an archive that `wanted` selects, in their order in the archive, and unpacks them in memory.
/// The token also stops the unpacking of skipped entries: kInterrupted.
Status visit_archive(const std::string& path, const std::function<bool(const std::string& name)>& wanted,
                     const std::function<Status(const std::string& name, ByteSource& bytes)>& visit,
                     const std::stop_token& stop);

}  // namespace hre::data
