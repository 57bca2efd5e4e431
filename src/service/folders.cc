#include "service/folders.h"

#include <algorithm>
#include <filesystem>

#include "core/files.h"

namespace hre::service {
namespace {

namespace fs = std::filesystem;

constexpr size_t kLongestPath = 4096;

bool is_inside(const fs::path& path, const fs::path& folder) {
  return std::ranges::mismatch(folder, path).in1 == folder.end();
}

}  // namespace

Result<Folders> Folders::open(const std::vector<std::string>& folders) {
  std::vector<std::string> found;
  for (const std::string& folder : folders) {
    std::error_code problem;
    const fs::path whole = fs::canonical(folder, problem);
    if (problem || !fs::is_directory(whole, problem)) {
      return input_error(path_exists(folder) ? "is no folder" : "there is no such folder", folder,
                         "jobs may name what lies in it; make it if it has yet to be written");
    }
    found.push_back(whole.string());
  }
  return Folders(std::move(found));
}

Result<std::string> Folders::resolve(const std::string& path) const {
  const auto not_found = [&] {
    return input_error("is not in a folder that this service may read", path.substr(0, kLongestPath));
  };
  if (path.empty() || path.size() > kLongestPath || path.find('\0') != std::string::npos) return not_found();
  const fs::path given(path);
  if (std::ranges::find(given, "..") != given.end()) return not_found();
  for (const std::string& folder : folders_) {
    std::error_code problem;
    const fs::path whole = fs::canonical(fs::path(folder) / given, problem);  // an absolute path stays as it is
    if (!problem && is_inside(whole, folder)) return whole.string();
  }
  return not_found();
}

}  // namespace hre::service
