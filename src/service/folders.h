#pragma once
/// The folders that a service may read models from.

#include <string>
#include <vector>

#include "hre/result.h"

namespace hre::service {

class Folders {
 public:
  /// Fails for what is no folder.
  static Result<Folders> open(const std::vector<std::string>& folders);

  /// The file or folder itself that a client's path leads to, with all symbolic links followed. Input errors for what
  /// isn't there, and for what isn't in one of the folders: both say the same, so that nothing is told of other places.
  /// A relative path counts from each folder in turn. What is there may change afterwards: ask again before use.
  [[nodiscard]] Result<std::string> resolve(const std::string& path) const;

  [[nodiscard]] const std::vector<std::string>& all() const { return folders_; }

 private:
  explicit Folders(std::vector<std::string> folders) : folders_(std::move(folders)) {}
  std::vector<std::string> folders_;  // without symbolic links
};

}  // namespace hre::service
