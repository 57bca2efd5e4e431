#include "stackexchange/work_folder.h"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <filesystem>
#include <utility>

namespace hre::stackexchange {
namespace {

namespace fs = std::filesystem;

constexpr const char* kEnding = ".index";

// Names of intermediate files, up to their first dot.
constexpr std::array kNames = {"posts", "votes", "groups", "index", "records", "texts", "chosen"};

bool is_intermediate(const fs::path& path) {
  const std::string name = path.filename();
  const std::string beginning = name.substr(0, name.find('.'));
  return std::find(kNames.begin(), kNames.end(), beginning) != kNames.end();
}

void remove_intermediate(const fs::path& folder) {
  std::error_code ignored;
  for (const auto& entry : fs::directory_iterator(folder, ignored)) {
    if (is_intermediate(entry.path()) && !entry.is_directory(ignored)) fs::remove(entry.path(), ignored);
  }
  fs::remove(folder, ignored);
}

}  // namespace

std::string work_folder_of(const std::string& work, const std::string& site) { return work + "/" + site + kEnding; }

Result<WorkFolder> WorkFolder::open(const std::string& path) {
  constexpr const char* kNext = "give another folder with ‹work›";
  std::error_code problem;
  fs::create_directories(path, problem);
  if (problem) return fail(ErrorCode::kFailed, problem.message(), path, kNext);
  const int lock = ::open((path + "/lock").c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0644);
  if (lock < 0) return fail(ErrorCode::kFailed, "can't be written", path, kNext);
  WorkFolder folder(path, lock);
  if (::flock(lock, LOCK_EX | LOCK_NB) != 0) {
    return fail(ErrorCode::kFailed, "another build is using this folder", path,
                "wait for it to end, or give another folder with ‹work›");
  }
  return folder;
}

WorkFolder::WorkFolder(WorkFolder&& other) noexcept
    : path_(std::move(other.path_)), lock_(std::exchange(other.lock_, -1)) {}

WorkFolder::~WorkFolder() {
  if (lock_ >= 0) ::close(lock_);
}

bool WorkFolder::has_index() const {
  std::error_code ignored;
  for (const auto& entry : fs::directory_iterator(path_, ignored)) {
    if (entry.path().extension() == kEnding && fs::exists(entry.path() / "index.json", ignored)) return true;
  }
  return false;
}

void WorkFolder::remove(const std::vector<std::string>& sites) {
  std::error_code ignored;
  for (const std::string& site : sites) remove_intermediate(work_folder_of(path_, site));
  fs::remove(path_ + "/lock", ignored);
  fs::remove(path_, ignored);
}

}  // namespace hre::stackexchange
