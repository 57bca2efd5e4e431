#pragma once
/// Content hashes: XXH3, 128 bits, as 32 hexadecimal digits. Not for security.

#include <memory>
#include <string>
#include <string_view>

#include "hre/result.h"

namespace hre {

class ContentHash {
 public:
  ContentHash();
  ~ContentHash();
  ContentHash(ContentHash&&) noexcept;
  ContentHash& operator=(ContentHash&&) noexcept;

  /// Adds bytes without their length.
  void add_bytes(std::string_view bytes);
  /// Adds a field: its length, then its bytes, so that ("ab", "c") differs from ("a", "bc").
  void add_field(std::string_view field);
  [[nodiscard]] std::string value() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

/// The hash of a file's bytes.
Result<std::string> hash_file(const std::string& path);

}  // namespace hre
