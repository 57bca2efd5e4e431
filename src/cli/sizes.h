#pragma once
/// Sizes of files, for people.

#include <fmt/format.h>

#include <cstdint>
#include <string>

namespace hre::cli {

/// Bytes as "12 B", "3.4 MB", "1.25 GB".
inline std::string shown_bytes(int64_t bytes) {
  const auto size = static_cast<double>(bytes);
  if (size >= 1e9) return fmt::format("{:.2f} GB", size / 1e9);
  if (size >= 1e6) return fmt::format("{:.1f} MB", size / 1e6);
  if (size >= 1e3) return fmt::format("{:.1f} KB", size / 1e3);
  return fmt::format("{} B", bytes);
}

}  // namespace hre::cli
