#pragma once
/// Converted checkpoints that a watch takes away again. A training's checkpoints would fill the cache, since each is
/// converted for one evaluation. A file that was in the cache before stays.
///
/// Before a checkpoint is converted, a file beside the place of the result says whose it is, so that a watch that was
/// killed can take it away when it runs again:
///
///   converted/HASH/NAME.gguf           what the conversion makes (model/checkpoint)
///   converted/HASH/NAME.gguf.watched   the path of the watch's results, and that of the checkpoint, a line each

#include <functional>
#include <stop_token>
#include <string>

#include "hre/progress.h"
#include "hre/result.h"

namespace hre::service {

class ConvertedFiles {
 public:
  /// `owner`: the path of the watch's results.
  explicit ConvertedFiles(std::string owner) : owner_(std::move(owner)) {}

  /// Call it before the checkpoint folder is opened.
  Status claim(const std::string& folder, ProgressListener& progress, const std::stop_token& stop);
  /// Takes away what the last claim was for, unless it isn't this watch's.
  void release();
  /// Takes away what this owner has left behind, of checkpoints that are gone or done with.
  void release_leftovers(const std::function<bool(const std::string& folder)>& is_done);

 private:
  std::string owner_, claimed_;
};

}  // namespace hre::service
