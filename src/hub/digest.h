#pragma once
/// The hashes by which the hub names files: SHA-256 for large ones (LFS), git's blob hash for others.

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

namespace hre::hub {

class BlobDigest {
 public:
  /// Of the kind that this etag is: 64 hexadecimal digits are a SHA-256; 40 are git's SHA-1 of
  /// "blob SIZE\0" and the contents.
  BlobDigest(const std::string& etag, int64_t size);
  ~BlobDigest();
  BlobDigest(BlobDigest&&) noexcept;
  BlobDigest& operator=(BlobDigest&&) noexcept;

  /// Whether the etag is a hash at all; of others only the size can be checked.
  static bool is_hash(const std::string& etag);

  void add(std::string_view bytes);
  /// In hexadecimal; empty where the etag is no hash. Once.
  [[nodiscard]] std::string value();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace hre::hub
