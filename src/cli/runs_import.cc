/// hre runs import: runs from files.

#include <CLI/CLI.hpp>
#include <memory>
#include <ostream>

#include "cli/command.h"
#include "cli/progress.h"
#include "cli/store_argument.h"
#include "core/files.h"
#include "core/visible.h"
#include "eval/reference_run.h"
#include "hre/store.h"
#include "hub/open.h"
#include "report/run_json.h"
#include "store/default_store.h"

namespace hre::cli {
namespace {

struct ImportArguments {
  std::string store, name, format = "json", data, model;
  std::vector<std::string> files;
};

Result<std::vector<Run>> runs_of_json(const std::string& file) {
  auto text = read_file(file);
  if (!text) return forward(text);
  return read_runs_json(*text, file);
}

Result<std::vector<Run>> runs_of_cache(const std::string& file, const ImportArguments& arguments, Console& console) {
  if (arguments.data.empty()) {
    return input_error("a cache has no questions", "--data",
                       "give the dataset that the cache was made with: --data DATA");
  }
  auto dataset = load_data_argument(arguments.data, *make_progress(console, false), console.stop);
  if (!dataset) return forward(dataset);
  auto run = run_of_reference_cache(*dataset, file, arguments.model);
  if (!run) return forward(run);
  return std::vector<Run>{std::move(*run)};
}

Status import_file(RunStore& store, const std::string& file, const ImportArguments& arguments, Console& console) {
  auto runs = arguments.format == "json" ? runs_of_json(file) : runs_of_cache(file, arguments, console);
  if (!runs) return forward(runs);
  const std::string& name = arguments.name;
  if (runs->size() > 1 && !name.empty()) return input_error("holds several runs, but --name names one run", file);
  for (const Run& run : *runs) {
    auto added = store.add(run, name, file);
    if (!added) return forward(added);
    console.print((added->is_new ? "imported " : "already in the store: ") + visible_line(added->name) + '\n');
  }
  return {};
}

Status import_runs(const ImportArguments& arguments, Console& console) {
  if (arguments.files.size() > 1 && !arguments.name.empty()) {
    return input_error("--name names one run; give one FILE");
  }
  const std::string path = store_path(arguments.store);
  if (path.empty()) return input_error("no store was given", "--store", "give --store FILE");
  auto store = RunStore::open_or_create(path);
  if (!store) return forward(store);
  for (const std::string& file : arguments.files) {
    if (auto ok = import_file(*store, file, arguments, console); !ok) return ok;
  }
  return {};
}

}  // namespace

Action define_runs_import(CLI::App& app) {
  auto arguments = std::make_shared<ImportArguments>();
  app.add_option("FILE", arguments->files,
                 "results of hre eval --json FILE --details, or caches of the reference implementation")
      ->required()
      ->type_name("");
  add_store_option(app, arguments->store);
  app.add_option("--name", arguments->name, "the run's name in the store")->type_name("NAME");
  app.add_option("--from", arguments->format, "json (hre-run/1, default) or reference-cache")
      ->type_name("FORMAT")
      ->check(CLI::IsMember({"json", "reference-cache"}).description(""));
  app.add_option("--data", arguments->data, "with --from reference-cache: the dataset that the cache was made with")
      ->type_name("DATA");
  app.add_option("--model", arguments->model,
                 "with --from reference-cache: the model's name (default: the file's name)")
      ->type_name("NAME");
  return [arguments](Console& console) { return import_runs(*arguments, console); };
}

}  // namespace hre::cli
