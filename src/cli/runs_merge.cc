/// hre runs merge: other stores' runs into this one, or the shards of one evaluation as one run.

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <memory>
#include <ostream>

#include "cli/command.h"
#include "cli/merge_shards.h"
#include "cli/store_argument.h"
#include "core/text.h"
#include "core/visible.h"
#include "hre/store.h"
#include "store/default_store.h"

namespace hre::cli {
namespace {

Status merge_stores(const std::string& given, const std::vector<std::string>& others, Console& console) {
  const std::string path = store_path(given);
  if (path.empty()) return input_error("no store was given", "--store", "give --store FILE");
  auto store = RunStore::open_or_create(path);
  if (!store) return forward(store);
  for (const std::string& other : others) {
    auto merged = store->merge(other);
    if (!merged) return forward(merged);
    console.print(fmt::format("{}: {} added, {} already in the store; {} added\n", visible_line(other),
                              counted(merged->runs, "run"), merged->known_runs,
                              counted(merged->questions, "question")));
  }
  return {};
}

/// Shards are JSON files, stores are not.
Status merge(const std::string& store, const std::vector<std::string>& files, const std::string& json,
             Console& console) {
  const auto n_json = std::count_if(files.begin(), files.end(), is_json_file);
  if (n_json == 0 && json.empty()) return merge_stores(store, files, console);
  return merge_shard_files(files, json, console);
}

}  // namespace

Action define_runs_merge(CLI::App& app) {
  auto store = std::make_shared<std::string>();
  auto files = std::make_shared<std::vector<std::string>>();
  auto json = std::make_shared<std::string>();
  app.add_option("FILE", *files,
                 "stores to copy runs from, which stay unchanged; or all shards of an evaluation, written by hre eval "
                 "--shard with --json and --details")
      ->required()
      ->type_name("");
  app.add_option("--json", *json,
                 "with shards: write the run as JSON; - writes to standard output instead of the table")
      ->type_name("FILE");
  add_store_option(app, *store);
  return [store, files, json](Console& console) { return merge(*store, *files, *json, console); };
}

}  // namespace hre::cli
