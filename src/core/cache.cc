#include "core/cache.h"

#include <pwd.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <vector>

namespace hre {
namespace {

std::string value_of(const char* variable) {
  const char* value = std::getenv(variable);
  return value == nullptr ? "" : value;
}

}  // namespace

std::string home_folder() {
  if (std::string home = value_of("HOME"); !home.empty()) return home;
  std::vector<char> buffer(1 << 14);
  passwd entry = {}, *found = nullptr;
  if (getpwuid_r(getuid(), &entry, buffer.data(), buffer.size(), &found) != 0 || found == nullptr) return "";
  return found->pw_dir == nullptr ? "" : found->pw_dir;
}

Result<std::string> cache_folder(const std::string& part) {
  namespace fs = std::filesystem;
  fs::path folder = value_of("HRE_CACHE");
  if (folder.empty() && !value_of("XDG_CACHE_HOME").empty()) folder = fs::path(value_of("XDG_CACHE_HOME")) / "hre";
  if (folder.empty() && !home_folder().empty()) folder = fs::path(home_folder()) / ".cache" / "hre";
  if (folder.empty()) return input_error("no folder for the cache is known", "", "set HRE_CACHE to a folder");
  folder /= part;
  std::error_code problem;
  fs::create_directories(folder, problem);
  if (problem)
    return fail(ErrorCode::kFailed, "cannot be created: " + problem.message(), folder.string(),
                "set HRE_CACHE to another folder");
  return folder.string();
}

}  // namespace hre
