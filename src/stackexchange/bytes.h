#pragma once
/// Streams of bytes, as dumps come: a file, an entry of an archive, memory.

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
  /// Fills up to n bytes (n > 0) and tells how many; 0 at the end, and only there.
  virtual Result<size_t> read(char* to, size_t n) = 0;
};

/// A file's bytes.
Result<std::unique_ptr<ByteSource>> open_file(const std::string& path);

/// Bytes in memory, which must outlive the source.
std::unique_ptr<ByteSource> open_memory(std::string_view bytes);

/// Reads `inner` in a thread of its own, a few mebibytes ahead, so that unpacking and parsing overlap.
/// `inner` must outlive the source and not be used meanwhile.
std::unique_ptr<ByteSource> read_ahead(ByteSource& inner);

/// An entry of an archive: its name as stored, and its size unpacked in bytes.
struct ArchiveEntry {
  std::string name;
  int64_t bytes = 0;
};

/// What an archive (.7z) holds; nothing is unpacked.
Result<std::vector<ArchiveEntry>> list_archive(const std::string& path);

/// Streams those entries of an archive that `wanted` says, in their order there, unpacking in memory. The token
/// stops the unpacking of what lies before them, too: kInterrupted.
Status visit_archive(const std::string& path, const std::function<bool(const std::string& name)>& wanted,
                     const std::function<Status(const std::string& name, ByteSource& bytes)>& visit,
                     const std::stop_token& stop);

}  // namespace hre::stackexchange
