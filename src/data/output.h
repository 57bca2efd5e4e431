#pragma once
/// A file or folder that appears under its name only when it is complete: it is made beside its place, under a name
/// that begins with a dot, and then renamed. If the work ends early, nothing is left; what a killed process leaves, the
/// next output of that name removes.

#include <string>

#include "hre/result.h"

namespace hre::data {

enum class OutputKind { kFile, kFolder };

class Output {
 public:
  /// An existing `path` is an input error, except for an empty folder if a folder is wanted. With `replace`, an
  /// existing file, or a folder that contains only one dataset's files, is replaced at commit.
  static Result<Output> create(const std::string& path, OutputKind kind, bool replace);
  ~Output();
  Output(Output&& other) noexcept;
  Output& operator=(Output&&) = delete;

  /// Where to write. A file's name keeps its extension; a folder exists and is empty.
  [[nodiscard]] const std::string& work_path() const { return work_path_; }

  /// Flushes the content to the disk and gives it its name. Call it once.
  Status commit();

 private:
  Output(std::string name, std::string path, OutputKind kind, bool replace)
      : name_(std::move(name)), path_(std::move(path)), kind_(kind), replace_(replace) {}

  Status check_place() const;

  std::string name_;       // as the user gave it
  std::string path_;       // absolute
  std::string work_path_;  // empty once renamed
  OutputKind kind_;
  bool replace_;
  int lock_ = -1;  // of the work path, while it is in use
};

}  // namespace hre::data
