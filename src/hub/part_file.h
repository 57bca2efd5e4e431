#pragma once
/// A blob on its way into the cache: written at any place by several threads, resumed after a break, checked by
/// its hash while it grows, and named only when it is whole.

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

/// How a finished part turned out.
enum class Outcome { kGood, kWrongHash };

/// Thread-safe, except finish(), which is for one thread after all others are done.
class PartFile {
 public:
  /// Opens or makes it, and reads what is there of it. Reserves the disk space, where the disk can.
  static Result<std::unique_ptr<PartFile>> open(const RepoCache& cache, const std::string& etag, int64_t size);
  ~PartFile();
  PartFile(const PartFile&) = delete;
  PartFile& operator=(const PartFile&) = delete;

  [[nodiscard]] std::vector<Range> missing(int64_t piece) const;
  [[nodiscard]] int64_t present() const;

  /// Writes bytes at a place. They count only once completed() says so.
  Status write(int64_t offset, std::string_view bytes);
  /// These bytes are there. Goes on with the hash where what is there from the start has grown, unless another
  /// thread is at it.
  Status completed(Range range);

  /// Checks the whole; gives it its name in the cache, or puts it aside and begins again.
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
