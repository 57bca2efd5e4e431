#include "cli/shipped_models.h"

#include <filesystem>

namespace hre::cli {

std::vector<std::string> shipped_models() {
  namespace fs = std::filesystem;
  std::error_code problem;
  const fs::path program = fs::read_symlink("/proc/self/exe", problem);
  const fs::path folder = program.parent_path().parent_path() / "share" / "hre" / "models";
  std::vector<std::string> paths;
  for (const char* name : {"hre-base-q8_0.gguf", "hre-tuned-q8_0.gguf"}) {
    if (!fs::is_regular_file(folder / name, problem)) return {};
    paths.push_back((folder / name).string());
  }
  return paths;
}

}  // namespace hre::cli
