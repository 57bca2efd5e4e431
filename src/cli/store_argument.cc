#include "cli/store_argument.h"

#include <CLI/CLI.hpp>
#include <filesystem>
#include <ostream>

#include "store/default_store.h"

namespace hre::cli {
void add_store_option(CLI::App& app, std::string& store) {
  app.add_option("--store", store,
                 "the store of runs (default: $HRE_STORE, else hre/runs.db in $XDG_STATE_HOME or ~/.local/state); none "
                 "stores nothing")
      ->type_name("FILE");
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
  if (!std::filesystem::exists(path, ignored)) {
    return input_error("there is no store of runs", path, "hre eval makes one; ‹store› names another");
  }
  return path;
}

}  // namespace hre::cli
