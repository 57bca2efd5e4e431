#pragma once
/// The folder of intermediate files, used by one build at a time: SITE.index/ for each site, and a lock.

#include <string>
#include <vector>

#include "hre/result.h"

namespace hre::stackexchange {

/// A site's folder of intermediate files; it never coincides with that of the dump, wherever the user puts them.
std::string work_folder_of(const std::string& work, const std::string& site);

class WorkFolder {
 public:
  /// Creates and locks the folder. Errors: it can't be written, or another build holds it.
  static Result<WorkFolder> open(const std::string& path);
  WorkFolder(WorkFolder&& other) noexcept;
  WorkFolder& operator=(WorkFolder&&) = delete;
  ~WorkFolder();

  /// Whether any site's first reading is complete, so that the folder is worth keeping.
  [[nodiscard]] bool has_index() const;
  /// Removes the intermediate files of these sites, and the folder itself if nothing else is in it.
  void remove(const std::vector<std::string>& sites);
  [[nodiscard]] const std::string& path() const { return path_; }

 private:
  WorkFolder(std::string path, int lock) : path_(std::move(path)), lock_(lock) {}
  std::string path_;
  int lock_;
};

}  // namespace hre::stackexchange
