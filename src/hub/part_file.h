#pragma once
/// A blob on its way into the cache: several threads write at any place, a broken download is resumed, the hash is
/// computed while the file grows, and the blob gets its name only when it is complete.

#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "hre/result.h"
#include "hub/cache.h"
#include "hub/digest.h"
#include "hub/ranges.h"

namespace hre::hub {

/// The outcome of checking a complete part.
enum class Outcome { kGood, kWrongHash };

/// Thread-safe, except finish(): call it from one thread after all others are done.
class PartFile {
 public:
  /// Opens or creates the file and reads which ranges it has. Reserves the disk space if the file system can.
  static Result<std::unique_ptr<PartFile>> open(const RepoCache& cache, const std::string& etag, int64_t size);
  ~PartFile();
  PartFile(const PartFile&) = delete;
  PartFile& operator=(const PartFile&) = delete;

  [[nodiscard]] std::vector<Range> missing(int64_t piece) const;
  [[nodiscard]] int64_t present() const;

  /// Writes bytes at a place. They count only after completed().
  Status write(int64_t offset, std::string_view bytes);
  /// Marks the range complete and, if the contiguous beginning grew and no other thread is hashing, extends the running
  /// hash.
  Status completed(Range range);

  /// Checks the whole file. Gives it its name in the cache, or puts it aside so that the download starts again.
  Result<Outcome> finish();

 private:
  PartFile(const RepoCache& cache, std::string etag, int64_t size);
  Status open_files();
  Status hash_up_to(int64_t end);
  Status set_aside();

  std::string part_, record_, blob_, wrong_, etag_;
  int64_t size_;
  int descriptor_ = -1, record_descriptor_ = -1;
  mutable std::mutex ranges_mutex_;
  RangeSet ranges_;
  std::mutex hash_mutex_;
  BlobDigest digest_;
  int64_t hashed_ = 0;
};

}  // namespace hre::hub
