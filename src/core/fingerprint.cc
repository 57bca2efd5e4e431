#include "core/fingerprint.h"

#include <fmt/format.h>
#include <sys/stat.h>

#include <algorithm>
#include <ctime>
#include <filesystem>
#include <fstream>
#include <optional>

#include "core/cache.h"
#include "core/files.h"
#include "core/hashing.h"

namespace hre {
namespace {

constexpr int64_t kSettleSeconds = 2;

/// The attributes of a file that change when its bytes do. The time of the inode's change can't be set back.
struct FileState {
  std::string text;
  int64_t changed = 0;  // seconds since 1970
};

std::optional<FileState> state_of(const std::string& path) {
  struct stat s = {};
  if (stat(path.c_str(), &s) != 0) return std::nullopt;
  return FileState{fmt::format("{} {} {} {}.{:09} {}.{:09}", s.st_dev, s.st_ino, s.st_size, s.st_mtim.tv_sec,
                               s.st_mtim.tv_nsec, s.st_ctim.tv_sec, s.st_ctim.tv_nsec),
                   std::max(s.st_mtim.tv_sec, s.st_ctim.tv_sec)};
}

/// The file that remembers this file's hash; empty without a cache.
std::optional<std::string> memory_of(const std::string& path) {
  const auto folder = cache_folder("fingerprints");
  if (!folder) return std::nullopt;
  std::error_code problem;
  const std::filesystem::path absolute = std::filesystem::canonical(path, problem);
  if (problem) return std::nullopt;
  ContentHash name;
  name.add_bytes(absolute.string());
  return *folder + "/" + name.value();
}

/// Two lines: the file's state, and its hash.
std::optional<std::string> recall(const std::string& memory, const FileState& state) {
  std::ifstream file(memory);
  std::string known_state, hash;
  if (!std::getline(file, known_state) || !std::getline(file, hash)) return std::nullopt;
  if (known_state != state.text || hash.size() != 32) return std::nullopt;
  return hash;
}

}  // namespace

Result<std::string> fingerprint_file(const std::string& path) {
  const auto before = state_of(path);
  const auto memory = before ? memory_of(path) : std::nullopt;
  if (memory) {
    if (auto hash = recall(*memory, *before)) return *hash;
  }
  const auto started = static_cast<int64_t>(std::time(nullptr));
  auto hash = hash_file(path);
  if (!hash || !memory) return hash;
  const auto after = state_of(path);
  const bool settled = after && after->text == before->text && before->changed + kSettleSeconds <= started;
  if (settled) (void)write_file(*memory, before->text + "\n" + *hash + "\n");
  return hash;
}

void forget_fingerprints() {
  const auto folder = cache_folder("fingerprints");
  std::error_code ignored;
  if (folder) std::filesystem::remove_all(*folder, ignored);
}

}  // namespace hre
