#include "store/default_store.h"

#include <cstdlib>
#include <filesystem>

#include "core/cache.h"

namespace hre {
namespace {

namespace fs = std::filesystem;

std::string environment(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? "" : value;
}

/// By the XDG Base Directory Specification: relative paths in its variables are to be ignored.
std::string default_store() {
  const std::string state = environment("XDG_STATE_HOME"), home = home_folder();
  if (fs::path(state).is_absolute()) return state + "/hre/runs.db";
  return home.empty() ? "" : home + "/.local/state/hre/runs.db";
}

}  // namespace

std::string chosen_store(const std::string& given) { return given.empty() ? environment("HRE_STORE") : given; }

std::string store_path(const std::string& given) {
  const std::string chosen = chosen_store(given);
  if (chosen == "none") return "";
  if (!chosen.empty()) return chosen;
  const std::string path = default_store();
  std::error_code ignored;  // opening it says more
  if (!path.empty()) fs::create_directories(fs::path(path).parent_path(), ignored);
  return path;
}

}  // namespace hre
