/// hre runs merge: other stores' runs into this one.

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <memory>
#include <ostream>

#include "cli/command.h"
#include "cli/store_argument.h"
#include "hre/store.h"

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
    console.out << fmt::format("{}: {} runs added, {} were there; {} questions added\n", other, merged->runs,
                               merged->known_runs, merged->questions);
  }
  return {};
}

}  // namespace

Action define_runs_merge(CLI::App& app) {
  auto store = std::make_shared<std::string>();
  auto others = std::make_shared<std::vector<std::string>>();
  app.add_option("STORE", *others, "stores to take runs from; they stay as they are")->required()->type_name("");
  add_store_option(app, *store);
  return [store, others](Console& console) { return merge_stores(*store, *others, console); };
}

}  // namespace hre::cli
