#include "cli/store_argument.h"

#include <CLI/CLI.hpp>
#include <cstdlib>
#include <filesystem>
#include <ostream>

#include "core/cache.h"

namespace hre::cli {
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

std::string chosen_store(const std::string& given) { return given.empty() ? environment("HRE_STORE") : given; }

}  // namespace

void add_store_option(CLI::App& app, std::string& store) {
  app.add_option("--store", store,
                 "the store of runs (default: $HRE_STORE, else hre/runs.db in $XDG_STATE_HOME or ~/.local/state); none "
                 "stores nothing")
      ->type_name("FILE");
}

std::string store_path(const std::string& given) {
  const std::string chosen = chosen_store(given);
  if (chosen == "none") return "";
  if (!chosen.empty()) return chosen;
  const std::string path = default_store();
  std::error_code ignored;  // opening it says more
  if (!path.empty()) fs::create_directories(fs::path(path).parent_path(), ignored);
  return path;
}

std::string store_to_keep(const std::string& given, std::ostream& err) {
  std::string path = store_path(given);
  if (path.empty() && chosen_store(given) != "none") {
    err << "hre: nothing is kept: there is no home folder for a store of runs; --store FILE names one\n";
  }
  return path;
}

Result<std::string> existing_store(const std::string& given) {
  const std::string path = store_path(given);
  std::error_code ignored;
  if (path.empty()) return input_error("no store was given", "‹store›", "give ‹store› FILE");
  if (!fs::exists(path, ignored)) {
    return input_error("there is no store of runs", path, "hre eval makes one; ‹store› names another");
  }
  return path;
}

}  // namespace hre::cli
