#pragma once
/// The hashes by which the hub identifies files: SHA-256 for large files (LFS), git's blob hash for others.

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

namespace hre::hub {

class BlobDigest {
 public:
  /// Computes the kind of hash that this etag has: 64 hexadecimal digits are a SHA-256; 40 are git's SHA-1 of "blob
  /// SIZE\0" and the contents.
  BlobDigest(const std::string& etag, int64_t size);
  ~BlobDigest();
  BlobDigest(BlobDigest&&) noexcept;
  BlobDigest& operator=(BlobDigest&&) noexcept;

  /// Whether the etag is a hash at all; otherwise only the size can be checked.
  static bool is_hash(const std::string& etag);

  void add(std::string_view bytes);
  /// The hash in hexadecimal; empty if the etag is not a hash. Call it once.
  [[nodiscard]] std::string value();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace hre::hub
