#include "stackexchange/blocks.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <utility>

namespace hre::stackexchange {
namespace {

constexpr size_t kBlockBytes = size_t{16} << 10;

tl::unexpected<Error> failed(const std::string& path) {
  const bool full = errno == ENOSPC;
  return fail(ErrorCode::kFailed, std::strerror(errno), path,
              full ? "intermediate files need space: give a folder on another disk with ‹work›" : "");
}

}  // namespace

Result<WorkFile> WorkFile::create(const std::string& path) { return open(path, O_CREAT | O_TRUNC); }

Result<WorkFile> WorkFile::reopen(const std::string& path) { return open(path, 0); }

Result<WorkFile> WorkFile::open(const std::string& path, int flags) {
  const int file = ::open(path.c_str(), O_RDWR | O_CLOEXEC | flags, 0644);
  if (file < 0) return failed(path);
  struct stat status {};
  if (::fstat(file, &status) != 0) return failed(path);
  return WorkFile(path, file, static_cast<uint64_t>(status.st_size));
}

WorkFile::WorkFile(WorkFile&& other) noexcept
    : path_(std::move(other.path_)), file_(std::exchange(other.file_, -1)), size_(other.size_) {}

WorkFile& WorkFile::operator=(WorkFile&& other) noexcept {
  std::swap(path_, other.path_);
  std::swap(file_, other.file_);
  std::swap(size_, other.size_);
  return *this;
}

WorkFile::~WorkFile() {
  if (file_ >= 0) ::close(file_);
}

Result<uint64_t> WorkFile::append(std::string_view bytes) {
  const uint64_t offset = size_;
  while (!bytes.empty()) {
    const ssize_t put = ::pwrite(file_, bytes.data(), bytes.size(), static_cast<off_t>(size_));
    if (put < 0 && errno == EINTR) continue;
    if (put < 0) return failed(path_);
    size_ += static_cast<uint64_t>(put);
    bytes.remove_prefix(static_cast<size_t>(put));
  }
  return offset;
}

void WorkFile::set_aside() {
  ::close(file_);
  file_ = -1;
}

Status WorkFile::read(uint64_t offset, char* to, size_t n) const {
  if (file_ < 0) {
    Result<WorkFile> again = reopen(path_);
    if (!again) return forward(again);
    return again->read(offset, to, n);
  }
  while (n > 0) {
    const ssize_t got = ::pread(file_, to, n, static_cast<off_t>(offset));
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return failed(path_);
    if (got == 0)
      return fail(ErrorCode::kFailed, "an intermediate file has become shorter", path_,
                  "remove the file and run the command again");
    to += got;
    n -= static_cast<size_t>(got);
    offset += static_cast<uint64_t>(got);
  }
  return {};
}

Status WorkFile::sync() {
  if (::fdatasync(file_) != 0) return failed(path_);
  return {};
}

Result<BucketFile> BucketFile::create(const std::string& path, size_t record_bytes) {
  Result<WorkFile> file = WorkFile::create(path);
  if (!file) return forward(file);
  return BucketFile(std::move(*file), record_bytes);
}

Status BucketFile::add(size_t bucket, const void* record) {
  std::string& waiting = waiting_[bucket];
  if (waiting.capacity() == 0) waiting.reserve(kBlockBytes);
  waiting.append(static_cast<const char*>(record), record_bytes_);
  return waiting.size() + record_bytes_ > kBlockBytes ? write_out(bucket) : Status();
}

Status BucketFile::write_out(size_t bucket) {
  std::string& waiting = waiting_[bucket];
  Result<uint64_t> offset = file_.append(waiting);
  if (!offset) return forward(offset);
  blocks_.push_back({*offset, static_cast<uint32_t>(waiting.size()), static_cast<uint32_t>(bucket)});
  waiting.clear();
  return {};
}

Status BucketFile::flush() {
  for (size_t bucket = 0; bucket < waiting_.size(); ++bucket) {
    if (waiting_[bucket].empty()) continue;
    if (Status status = write_out(bucket); !status) return status;
  }
  waiting_.clear();
  return {};
}

Status BucketFile::finish() {
  if (Status status = flush(); !status) return status;
  if (Status status = file_.sync(); !status) return status;
  Result<WorkFile> index = WorkFile::create(file_.path() + ".blocks");
  if (!index) return forward(index);
  Result<uint64_t> put = index->append({reinterpret_cast<const char*>(blocks_.data()), blocks_.size() * sizeof(Block)});
  if (!put) return forward(put);
  return index->sync();
}

Result<BucketFile> BucketFile::reopen(const std::string& path, size_t record_bytes) {
  Result<WorkFile> file = WorkFile::reopen(path);
  if (!file) return forward(file);
  Result<WorkFile> index = WorkFile::reopen(path + ".blocks");
  if (!index) return forward(index);
  BucketFile buckets(std::move(*file), record_bytes);
  buckets.waiting_.clear();
  buckets.blocks_.resize(index->size() / sizeof(Block));
  if (Status status =
          index->read(0, reinterpret_cast<char*>(buckets.blocks_.data()), buckets.blocks_.size() * sizeof(Block));
      !status) {
    return forward(status);
  }
  uint64_t bytes = 0;
  for (const Block& block : buckets.blocks_) bytes += block.bytes;
  if (bytes != buckets.file_.size()) return fail(ErrorCode::kFailed, "an intermediate file is incomplete", path);
  return buckets;
}

uint64_t BucketFile::bytes_of(size_t bucket) const {
  uint64_t bytes = 0;
  for (const Block& block : blocks_) bytes += block.bucket == bucket ? block.bytes : 0;
  return bytes;
}

Status BucketFile::load(size_t bucket, char* to) const {
  for (const Block& block : blocks_) {
    if (block.bucket != bucket) continue;
    if (Status status = file_.read(block.offset, to, block.bytes); !status) return status;
    to += block.bytes;
  }
  return {};
}

}  // namespace hre::stackexchange
