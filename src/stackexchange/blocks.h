#pragma once
/// Intermediate files: records of one size, distributed over buckets by post id, so that records that belong together
/// can be loaded together, with one bucket in memory however large the dump is. A file is a sequence of blocks, each of
/// one bucket; the blocks' positions are kept in memory (16 bytes per block) and saved beside the file. The layout is
/// this machine's own: such files are only used while a dataset is built.

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

#include "hre/result.h"

namespace hre::stackexchange {

inline constexpr size_t kBuckets = 256;

/// The bucket of all records that belong to this post.
inline size_t bucket_of(uint32_t id) { return (id * uint32_t{2654435761}) >> 24; }

/// A file that is appended to, and read at any offset.
class WorkFile {
 public:
  /// Creates an empty file.
  static Result<WorkFile> create(const std::string& path);
  /// Opens the file of an earlier build.
  static Result<WorkFile> reopen(const std::string& path);
  WorkFile(WorkFile&& other) noexcept;
  WorkFile& operator=(WorkFile&& other) noexcept;
  ~WorkFile();

  /// Appends bytes and returns their offset.
  Result<uint64_t> append(std::string_view bytes);
  Status read(uint64_t offset, char* to, size_t n) const;
  /// Flushes to the disk, so that after a crash the file is never shorter than its index says.
  Status sync();
  /// Closes the file, which was written: read() opens it again while it reads.
  void set_aside();
  [[nodiscard]] const std::string& path() const { return path_; }
  [[nodiscard]] uint64_t size() const { return size_; }

 private:
  static Result<WorkFile> open(const std::string& path, int flags);
  WorkFile(std::string path, int file, uint64_t size) : path_(std::move(path)), file_(file), size_(size) {}
  std::string path_;
  int file_ = -1;
  uint64_t size_ = 0;
};

/// Records in buckets, as bytes.
class BucketFile {
 public:
  static Result<BucketFile> create(const std::string& path, size_t record_bytes);
  /// Opens a file that finish() completed; an error if it is incomplete.
  static Result<BucketFile> reopen(const std::string& path, size_t record_bytes);

  Status add(size_t bucket, const void* record);
  /// Writes out the buffers. Afterwards only load() may be called.
  Status flush();
  /// flush(), and saves the positions of the blocks for reopen().
  Status finish();
  /// The size in bytes of a bucket's records; and the records, in the order in which they were added, written to a
  /// buffer.
  [[nodiscard]] uint64_t bytes_of(size_t bucket) const;
  Status load(size_t bucket, char* to) const;

 private:
  struct Block {
    uint64_t offset;
    uint32_t bytes;
    uint32_t bucket;
  };
  BucketFile(WorkFile file, size_t record_bytes)
      : file_(std::move(file)), record_bytes_(record_bytes), waiting_(kBuckets) {}
  Status write_out(size_t bucket);

  WorkFile file_;
  size_t record_bytes_;
  std::vector<std::string> waiting_;
  std::vector<Block> blocks_;
};

/// A BucketFile of typed records.
template <class T>
class Buckets {
  static_assert(std::is_trivially_copyable_v<T>);

 public:
  static Result<Buckets> create(const std::string& path) { return of(BucketFile::create(path, sizeof(T))); }
  static Result<Buckets> reopen(const std::string& path) { return of(BucketFile::reopen(path, sizeof(T))); }
  Status add(size_t bucket, const T& value) { return file_.add(bucket, &value); }
  Status flush() { return file_.flush(); }
  Status finish() { return file_.finish(); }
  Result<std::vector<T>> load(size_t bucket) const {
    std::vector<T> values(file_.bytes_of(bucket) / sizeof(T));
    if (Status status = file_.load(bucket, reinterpret_cast<char*>(values.data())); !status) return forward(status);
    return values;
  }

 private:
  explicit Buckets(BucketFile file) : file_(std::move(file)) {}
  static Result<Buckets> of(Result<BucketFile> file) {
    if (!file) return forward(file);
    return Buckets(std::move(*file));
  }
  BucketFile file_;
};

}  // namespace hre::stackexchange
