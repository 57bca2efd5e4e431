#pragma once
/// A file or folder that appears under its name only when all of it is there: it is made beside its
/// place, with a name that begins with a dot, and renamed. Whatever ends the work before leaves nothing.

#include <string>

#include "hre/result.h"

namespace hre::data {

enum class OutputKind { kFile, kFolder };

class Output {
 public:
  /// What stands at `path` already is an input error, but for an empty folder where a folder is wanted.
  /// With `replace`, a file, or a folder with one dataset's files and nothing else, makes way at commit.
  static Result<Output> create(const std::string& path, OutputKind kind, bool replace);
  ~Output();
  Output(Output&& other) noexcept;
  Output& operator=(Output&&) = delete;

  /// Where to write: a file's name keeps its ending, a folder is there and empty.
  [[nodiscard]] const std::string& work_path() const { return work_path_; }

  /// Flushes to the disk what was written, and gives it its name. Once.
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
};

}  // namespace hre::data
