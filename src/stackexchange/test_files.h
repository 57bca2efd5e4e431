#pragma once
/// For tests: folders that vanish, dumps written on the spot, 7z archives.

#include <string>
#include <utility>
#include <vector>

namespace hre::stackexchange {

/// A folder of its own, removed with all it holds.
class TestFolder {
 public:
  TestFolder();
  ~TestFolder();
  TestFolder(const TestFolder&) = delete;
  TestFolder& operator=(const TestFolder&) = delete;
  /// The path of a name in it.
  [[nodiscard]] std::string operator/(const std::string& name) const { return path_ + "/" + name; }
  [[nodiscard]] const std::string& path() const { return path_; }

 private:
  std::string path_;
};

void write_file(const std::string& path, const std::string& content);
std::string read_file(const std::string& path);

/// Writes a .7z (LZMA) of files: name and content.
void write_archive(const std::string& path, const std::vector<std::pair<std::string, std::string>>& files);

/// A value as it stands in an attribute.
std::string escaped(const std::string& value);

/// A row of a table: {"Id", "1"}, ...
std::string row(const std::vector<std::pair<std::string, std::string>>& attributes);

/// Posts.xml around rows.
std::string table(const std::string& rows, const std::string& root = "posts");

}  // namespace hre::stackexchange
