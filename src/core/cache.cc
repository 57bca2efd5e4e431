#include "core/cache.h"

#include <cstdlib>
#include <filesystem>

namespace hre {
namespace {

std::string value_of(const char* variable) {
  const char* value = std::getenv(variable);
  return value == nullptr ? "" : value;
}

}  // namespace

Result<std::string> cache_folder(const std::string& part) {
  namespace fs = std::filesystem;
  fs::path folder = value_of("HRE_CACHE");
  if (folder.empty() && !value_of("XDG_CACHE_HOME").empty()) folder = fs::path(value_of("XDG_CACHE_HOME")) / "hre";
  if (folder.empty() && !value_of("HOME").empty()) folder = fs::path(value_of("HOME")) / ".cache" / "hre";
  if (folder.empty()) return input_error("there is no place for a cache", "", "set HRE_CACHE to a folder");
  folder /= part;
  std::error_code problem;
  fs::create_directories(folder, problem);
  if (problem)
    return fail(ErrorCode::kFailed, "cannot be made: " + problem.message(), folder.string(),
                "set HRE_CACHE to another folder");
  return folder.string();
}

}  // namespace hre
