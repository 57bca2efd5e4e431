#include "service/converted.h"

#include <filesystem>
#include <utility>
#include <vector>

#include "core/cache.h"
#include "core/files.h"
#include "model/checkpoint/checkpoint.h"

namespace hre::service {
namespace {

namespace fs = std::filesystem;

constexpr const char* kMark = ".watched";

/// The owner and the checkpoint that a mark names.
std::pair<std::string, std::string> read_mark(const std::string& path) {
  auto text = read_file(path, 1 << 16);
  if (!text) return {};
  const size_t first = text->find('\n');
  if (first == std::string::npos) return {};
  return {text->substr(0, first), text->substr(first + 1, text->find('\n', first + 1) - first - 1)};
}

/// With all that stands beside it, and its folder.
void remove_converted(const std::string& place) {
  std::error_code ignored;
  fs::remove(place, ignored);
  remove_unfinished(place);
  fs::remove(place + ".lock", ignored);
  fs::remove(place + kMark, ignored);  // last: until then it says what is to be taken away
  fs::remove(fs::path(place).parent_path(), ignored);
}

}  // namespace

Status ConvertedFiles::claim(const std::string& folder, ProgressListener& progress, const std::stop_token& stop) {
  claimed_.clear();
  auto place = place_of_converted(folder, progress, stop);
  if (!place) return forward(place);
  const std::string mark = *place + kMark;
  if (path_exists(*place) && read_mark(mark).first != owner_) return {};
  if (auto ok = write_file(mark, owner_ + "\n" + folder + "\n"); !ok) return ok;
  claimed_ = *place;
  return {};
}

void ConvertedFiles::release() {
  if (!claimed_.empty()) remove_converted(claimed_);
  claimed_.clear();
}

void ConvertedFiles::release_leftovers(const std::function<bool(const std::string&)>& is_done) {
  auto cache = cache_folder("converted");
  if (!cache) return;
  std::vector<std::string> leftovers;
  std::error_code problem;
  for (fs::directory_iterator folder(*cache, problem), end; !problem && folder != end; folder.increment(problem)) {
    std::error_code ignored;
    for (fs::directory_iterator file(folder->path(), ignored); !ignored && file != end; file.increment(ignored)) {
      const std::string mark = file->path().string();
      if (!mark.ends_with(kMark)) continue;
      const auto [owner, checkpoint] = read_mark(mark);
      if (owner == owner_ && (is_done(checkpoint) || !path_exists(checkpoint)))
        leftovers.push_back(mark.substr(0, mark.size() - std::string_view(kMark).size()));
    }
  }
  for (const std::string& place : leftovers) remove_converted(place);
}

}  // namespace hre::service
