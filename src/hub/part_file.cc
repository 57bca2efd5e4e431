#include "hub/part_file.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <iterator>
#include <utility>

#include "core/files.h"

namespace hre::hub {
namespace {

Error disk_error(const std::string& path) {
  const bool full = errno == ENOSPC || errno == EDQUOT;
  return {ErrorCode::kFailed, full ? "the disk is full" : std::string("writing failed: ") + std::strerror(errno), path,
          full ? "free some space and run the same command to resume, or set HF_HOME to a folder on another disk"
               : "set HF_HOME to use another folder for the cache"};
}

Status write_at(int descriptor, int64_t offset, std::string_view bytes, const std::string& path) {
  while (!bytes.empty()) {
    const ssize_t n = pwrite(descriptor, bytes.data(), bytes.size(), offset);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return tl::unexpected<Error>(disk_error(path));
    bytes.remove_prefix(static_cast<size_t>(n));
    offset += n;
  }
  return {};
}

}  // namespace

PartFile::PartFile(const RepoCache& cache, std::string etag, int64_t size)
    : part_(cache.part(etag)),
      record_(cache.part(etag) + ".ranges"),
      blob_(cache.blob(etag)),
      wrong_(cache.wrong(etag)),
      etag_(std::move(etag)),
      size_(size),
      digest_(etag_, size) {}

PartFile::~PartFile() {
  if (descriptor_ >= 0) close(descriptor_);
  if (record_descriptor_ >= 0) close(record_descriptor_);
}

Result<std::unique_ptr<PartFile>> PartFile::open(const RepoCache& cache, const std::string& etag, int64_t size) {
  std::unique_ptr<PartFile> part(new PartFile(cache, etag, size));
  if (Status opened = part->open_files(); !opened) return forward(opened);
  return part;
}

Status PartFile::open_files() {
  if (Status made = make_folder_of(part_); !made) return made;
  struct stat status = {};
  const bool there = stat(part_.c_str(), &status) == 0 && status.st_size == size_;
  if (there) ranges_ = parse_record(read_file(record_).value_or(""), size_);
  const bool resumes = ranges_.total() > 0;
  descriptor_ = ::open(part_.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | (resumes ? 0 : O_TRUNC), 0666);
  if (descriptor_ < 0) return tl::unexpected<Error>(disk_error(part_));
  if (!resumes) {
    // Not every file system can reserve space. One that can reports a full disk here rather than half-way through.
    if (fallocate(descriptor_, 0, 0, std::max<int64_t>(size_, 1)) != 0 && errno == ENOSPC) {
      return tl::unexpected<Error>(disk_error(part_));
    }
    if (ftruncate(descriptor_, size_) != 0) return tl::unexpected<Error>(disk_error(part_));
  }
  record_descriptor_ = ::open(record_.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_APPEND | (resumes ? 0 : O_TRUNC), 0666);
  if (record_descriptor_ < 0) return tl::unexpected<Error>(disk_error(record_));
  const std::string head = resumes ? "\n" : record_head(size_);  // the last line may be incomplete
  if (::write(record_descriptor_, head.data(), head.size()) < 0) return tl::unexpected<Error>(disk_error(record_));
  return {};
}

std::vector<Range> PartFile::missing(int64_t piece) const {
  const std::lock_guard lock(ranges_mutex_);
  return ranges_.missing(size_, piece);
}

int64_t PartFile::present() const {
  const std::lock_guard lock(ranges_mutex_);
  return ranges_.total();
}

Status PartFile::write(int64_t offset, std::string_view bytes) { return write_at(descriptor_, offset, bytes, part_); }

Status PartFile::completed(Range range) {
  if (range.begin >= range.end) return {};
  int64_t prefix = 0;
  {
    const std::lock_guard lock(ranges_mutex_);
    ranges_.add(range);
    prefix = ranges_.prefix();
    const std::string line = record_line(range);
    if (::write(record_descriptor_, line.data(), line.size()) < 0) return tl::unexpected<Error>(disk_error(record_));
  }
  const std::unique_lock hashing(hash_mutex_, std::try_to_lock);
  return hashing ? hash_up_to(prefix) : Status();
}

Status PartFile::hash_up_to(int64_t end) {
  constexpr int64_t kStep = 1 << 20;
  std::string buffer(static_cast<size_t>(std::clamp<int64_t>(end - hashed_, 0, kStep)), '\0');
  while (hashed_ < end) {
    const auto wanted = static_cast<size_t>(std::min(kStep, end - hashed_));
    const ssize_t n = pread(descriptor_, buffer.data(), wanted, hashed_);
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return fail(ErrorCode::kFailed, "reading back failed: " + std::string(std::strerror(errno)), part_);
    digest_.add({buffer.data(), static_cast<size_t>(n)});
    hashed_ += n;
  }
  return {};
}

Result<Outcome> PartFile::finish() {
  if (Status hashed = hash_up_to(size_); !hashed) return forward(hashed);
  const std::string value = digest_.value();
  if (value != etag_) {
    if (Status aside = set_aside(); !aside) return forward(aside);
    return Outcome::kWrongHash;
  }
  if (Status made = make_folder_of(blob_); !made) return forward(made);
  // From here on a blob is trusted by its name and size, so its bytes must be on the disk before it gets the name.
  if (fsync(descriptor_) != 0) return tl::unexpected<Error>(disk_error(part_));
  if (std::rename(part_.c_str(), blob_.c_str()) != 0) return tl::unexpected<Error>(disk_error(blob_));
  sync_folder(folder_of(blob_));
  unlink(record_.c_str());
  return Outcome::kGood;
}

Status PartFile::set_aside() {
  if (Status made = make_folder_of(wrong_); !made) return made;
  if (std::rename(part_.c_str(), wrong_.c_str()) != 0) return tl::unexpected<Error>(disk_error(wrong_));
  close(std::exchange(descriptor_, -1));
  close(std::exchange(record_descriptor_, -1));
  unlink(record_.c_str());
  ranges_ = {};
  digest_ = BlobDigest(etag_, size_);
  hashed_ = 0;
  return open_files();
}

}  // namespace hre::hub
