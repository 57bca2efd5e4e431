/// hre runs remove: runs, and the answers that no other run has.

#include <CLI/CLI.hpp>
#include <memory>
#include <ostream>

#include "cli/command.h"
#include "cli/store_argument.h"
#include "core/visible.h"
#include "hre/store.h"

namespace hre::cli {
namespace {

Status remove_runs(const std::string& given, const std::vector<std::string>& arguments, Console& console) {
  auto path = existing_store(given);
  if (!path) return forward(path);
  auto store = RunStore::open(*path);
  if (!store) return forward(store);
  std::vector<RunInfo> runs;  // all are found before any is removed
  for (const std::string& argument : arguments) {
    auto run = store->find(argument);
    if (!run) return forward(run);
    runs.push_back(std::move(*run));
  }
  if (auto ok = store->remove(runs); !ok) return ok;
  for (const RunInfo& run : runs)
    console.print("removed " + visible_line(run.name) + " (" + run.id.substr(0, 8) + ")\n");
  return {};
}

}  // namespace

Action define_runs_remove(CLI::App& app) {
  auto store = std::make_shared<std::string>();
  auto runs = std::make_shared<std::vector<std::string>>();
  app.add_option("RUN", *runs, "names, beginnings of ids, last, last~1 or last:GLOB")->required()->type_name("");
  add_store_option(app, *store);
  return [store, runs](Console& console) { return remove_runs(*store, *runs, console); };
}

}  // namespace hre::cli
