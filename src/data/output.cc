#include "data/output.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <iterator>
#include <optional>
#include <utility>

namespace hre::data {
namespace {

namespace fs = std::filesystem;

tl::unexpected<Error> failed(const char* what, const std::string& path) {
  return fail(ErrorCode::kFailed, fmt::format("{} failed: {}", what, std::strerror(errno)), path);
}

bool is_dataset_file(const fs::directory_entry& entry) {
  const std::string name = entry.path().filename().string(), ending = entry.path().extension().string();
  std::error_code ignored;
  return entry.is_regular_file(ignored) && (ending == ".parquet" || ending == ".jsonl" || name == "README.md" ||
                                            name == ".gitattributes" || name == "recipe.toml");
}

// Whether a name promises one file of data, as "questions.jsonl" does.
bool looks_like_file(const fs::path& path) {
  const std::string ending = path.extension().string();
  constexpr const char* kEndings[] = {".jsonl", ".ndjson", ".json", ".parquet", ".arrow", ".csv", ".zip", ".gz"};
  return std::ranges::find(kEndings, ending) != std::end(kEndings);
}

// The first entry of a folder, or of its folders "data" and "metadata", that does not belong to a dataset.
std::optional<std::string> foreign_entry(const fs::path& folder, bool may_have_folders = true) {
  std::error_code problem;
  for (fs::directory_iterator at(folder, problem), end; !problem && at != end; at.increment(problem)) {
    if (is_dataset_file(*at)) continue;
    const std::string name = at->path().filename().string();
    std::error_code ignored;
    const bool known = may_have_folders && (name == "data" || name == "metadata");
    if (!known || !at->is_directory(ignored) || at->is_symlink(ignored)) return name;
    if (std::optional<std::string> inner = foreign_entry(at->path(), false)) return name + "/" + *inner;
  }
  if (problem) return problem.message();
  return std::nullopt;
}

bool holds_current_folder(const fs::path& folder) {
  std::error_code problem;
  const fs::path here = fs::canonical(fs::current_path(problem), problem);
  return !problem && std::mismatch(folder.begin(), folder.end(), here.begin(), here.end()).first == folder.end();
}

Status sync_path(const fs::path& path) {
  const int descriptor = open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (descriptor < 0) return failed("opening", path.string());
  const int problem = fsync(descriptor) == 0 ? 0 : errno;
  close(descriptor);
  errno = problem;
  return problem == 0 ? Status() : failed("writing", path.string());
}

Status sync_all(const fs::path& path, OutputKind kind) {
  if (kind == OutputKind::kFolder) {
    std::error_code problem;
    for (fs::recursive_directory_iterator at(path, problem), end; !problem && at != end; at.increment(problem)) {
      if (Status synced = sync_path(at->path()); !synced) return synced;
    }
  }
  return sync_path(path);
}

// mkdtemp and mkstemp restrict access to the owner; this gives the permissions that the umask allows.
void open_to_others(const std::string& path, mode_t mode) {
  const mode_t mask = umask(0);
  umask(mask);
  chmod(path.c_str(), mode & ~mask);
}

constexpr std::string_view kMark = ".hre-";
constexpr std::string_view kRandom = "XXXXXX";

// The names in the folder of `path` between which the random part of a work path stands.
std::pair<std::string, std::string> work_names(const fs::path& path, OutputKind kind) {
  const bool folder = kind == OutputKind::kFolder;
  const std::string name = folder ? path.filename().string() : path.stem().string();
  return {"." + name + std::string(kMark), folder ? "" : path.extension().string()};
}

// The descriptor of a file or folder that this process now has to itself; -1 if another has, or it is gone.
int lock_alone(const std::string& path) {
  const int descriptor = open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (descriptor < 0) return -1;
  struct stat locked {
  }, there{};
  if (flock(descriptor, LOCK_EX | LOCK_NB) == 0 && fstat(descriptor, &locked) == 0 && stat(path.c_str(), &there) == 0 &&
      locked.st_ino == there.st_ino) {
    return descriptor;
  }
  close(descriptor);
  return -1;
}

// Removes what processes left that were killed while they wrote to `path`: a living one holds a lock.
void remove_abandoned(const fs::path& path, OutputKind kind) {
  const auto names = work_names(path, kind);
  std::error_code problem;
  for (fs::directory_iterator at(path.parent_path(), problem), end; !problem && at != end; at.increment(problem)) {
    const std::string name = at->path().filename().string();
    if (name.size() != names.first.size() + kRandom.size() + names.second.size() || !name.starts_with(names.first) ||
        !name.ends_with(names.second)) {
      continue;
    }
    const int lock = lock_alone(at->path().string());
    if (lock < 0) continue;
    std::error_code ignored;
    fs::remove_all(at->path(), ignored);
    close(lock);
  }
}

// Creates the file or folder, and holds a lock on it.
Result<std::pair<std::string, int>> make_work_path(const fs::path& path, OutputKind kind, const std::string& name) {
  remove_abandoned(path, kind);
  const auto names = work_names(path, kind);
  while (true) {
    std::string work = (path.parent_path() / (names.first + std::string(kRandom) + names.second)).string();
    if (kind == OutputKind::kFolder) {
      if (mkdtemp(work.data()) == nullptr) work.clear();
    } else if (const int descriptor = mkostemps(work.data(), static_cast<int>(names.second.size()), O_CLOEXEC);
               descriptor >= 0) {
      close(descriptor);
    } else {
      work.clear();
    }
    if (work.empty()) {
      return input_error(fmt::format("cannot be created: {}", std::strerror(errno)), name,
                         "choose a path in a folder that exists and can be written");
    }
    open_to_others(work, kind == OutputKind::kFolder ? 0777 : 0666);
    const int lock = lock_alone(work);
    std::error_code ignored;
    // Gone where another process took it for abandoned; without locks, on some file systems, it is still there.
    if (lock >= 0 || fs::exists(work, ignored)) return std::pair(std::move(work), lock);
  }
}

// Replaces `to`, which exists, by `from`. Afterwards `from` is the old `to`, or gone.
bool swap_places(const std::string& from, const std::string& to) {
#ifdef RENAME_EXCHANGE
  if (renameat2(AT_FDCWD, from.c_str(), AT_FDCWD, to.c_str(), RENAME_EXCHANGE) == 0) return true;
#endif
  const std::string aside = from + ".old";
  if (std::rename(to.c_str(), aside.c_str()) != 0) return false;
  if (std::rename(from.c_str(), to.c_str()) != 0) {
    const int problem = errno;
    (void)std::rename(aside.c_str(), to.c_str());
    errno = problem;
    return false;
  }
  return std::rename(aside.c_str(), from.c_str()) == 0;
}

}  // namespace

Status Output::check_place() const {
  std::error_code problem;
  const fs::file_status status = fs::status(path_, problem);
  const bool wants_folder = kind_ == OutputKind::kFolder;
  if (!fs::exists(status)) {
    if (!wants_folder || !looks_like_file(path_)) return {};
    return input_error("is the name of a file, but this dataset is written as a folder", name_,
                       "give a folder; only hre data convert FOLDER FILE.jsonl writes a single file");
  }
  if (wants_folder != fs::is_directory(status)) {
    return input_error(wants_folder ? "already exists and is not a folder" : "already exists and is a folder", path_,
                       "choose another path");
  }
  if (wants_folder && fs::is_empty(path_, problem) && !problem) return {};
  if (!replace_) return input_error("already exists", name_, "choose another path, or use ‹force› to replace it");
  if (!wants_folder) {
    if (fs::is_regular_file(status)) return {};
    return input_error("is not a regular file", name_, "choose another path");
  }
  if (holds_current_folder(path_))
    return input_error("is the current folder, so it is not replaced", name_, "choose another path");
  if (const std::optional<std::string> foreign = foreign_entry(path_)) {
    return input_error(fmt::format("holds more than a dataset ({}), so it is not replaced", *foreign), path_,
                       "choose another path");
  }
  return {};
}

Result<Output> Output::create(const std::string& path, OutputKind kind, bool replace) {
  std::error_code problem;
  fs::path place = fs::absolute(path, problem);
  if (!problem) place = fs::weakly_canonical(place, problem);  // a link's target is replaced, not the link
  if (problem || place.empty()) return input_error("is not a path that can be written", path, "give a file or folder");
  if (!place.has_filename()) place = place.parent_path();
  Output output(path, place.string(), kind, replace);
  if (Status checked = output.check_place(); !checked) return forward(checked);
  Result<std::pair<std::string, int>> work = make_work_path(place, kind, path);
  if (!work) return forward(work);
  output.work_path_ = std::move(work->first);
  output.lock_ = work->second;
  return output;
}

Output::Output(Output&& other) noexcept
    : name_(std::move(other.name_)),
      path_(std::move(other.path_)),
      work_path_(std::exchange(other.work_path_, {})),
      kind_(other.kind_),
      replace_(other.replace_),
      lock_(std::exchange(other.lock_, -1)) {}

Output::~Output() {
  std::error_code ignored;
  if (!work_path_.empty()) fs::remove_all(work_path_, ignored);
  if (lock_ >= 0) close(lock_);
}

Status Output::commit() {
  if (Status synced = sync_all(work_path_, kind_); !synced) return synced;
  if (Status checked = check_place(); !checked) return checked;  // another process may have created it in the meantime
  std::error_code ignored;
  const bool swap = kind_ == OutputKind::kFolder && fs::exists(path_, ignored) && !fs::is_empty(path_, ignored);
  const bool moved = swap ? swap_places(work_path_, path_) : std::rename(work_path_.c_str(), path_.c_str()) == 0;
  if (!moved) return failed("renaming", name_);
  if (swap) fs::remove_all(work_path_, ignored);
  work_path_.clear();
  return sync_path(fs::path(path_).parent_path());
}

}  // namespace hre::data
