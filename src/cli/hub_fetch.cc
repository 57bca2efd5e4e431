/// hre model fetch, hre data fetch: models and datasets from the hub into the cache.

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <memory>
#include <ostream>

#include "cli/command.h"
#include "cli/progress.h"
#include "cli/sizes.h"
#include "core/text.h"
#include "hre/hub.h"
#include "hub/open.h"

namespace hre::cli {
namespace {

struct FetchArguments {
  std::string name;
  HubOptions options{.refresh = true};
  bool quiet = false;
};

using Fetch = Result<HubFiles> (*)(const std::string&, const HubOptions&, ProgressListener&, std::stop_token);

/// The path goes to standard output, for scripts; the rest is for people.
Status run_fetch(const FetchArguments& arguments, Fetch fetch, Console& console) {
  const std::unique_ptr<ProgressListener> progress = make_progress(console, arguments.quiet);
  auto files = fetch(arguments.name, arguments.options, *progress, console.stop);
  if (!files) return forward(files);
  progress->note(fmt::format("{}: {}, {}", files->source, counted(static_cast<int64_t>(files->files), "file"),
                             shown_bytes(files->bytes)));
  console.out << files->path << '\n';
  return {};
}

Action define_fetch(CLI::App& app, const std::shared_ptr<FetchArguments>& arguments, Fetch fetch) {
  app.add_option("--connections", arguments->options.connections, "number of connections at once (default 8)")
      ->type_name("N")
      ->check(CLI::Range(1, 64).description(""));
  app.add_flag("--quiet", arguments->quiet, "only the path, no progress and no notes");
  return [arguments, fetch](Console& console) { return run_fetch(*arguments, fetch, console); };
}

}  // namespace

Action define_model_fetch(CLI::App& app) {
  auto arguments = std::make_shared<FetchArguments>();
  app.add_option("NAME", arguments->name,
                 "hf:ORG/REPO[@REVISION][/FILE]; FILE may be a pattern (*Q4_K_M*) or a type (Q4_K_M). "
                 "Asks the hub for the newest state of the revision, fetches missing files, and prints the path")
      ->required()
      ->type_name("");
  return define_fetch(app, arguments, fetch_model);
}

Action define_data_fetch(CLI::App& app) {
  auto arguments = std::make_shared<FetchArguments>();
  arguments->name = kPublishedDataset;
  app.add_option("NAME", arguments->name,
                 "hf:ORG/REPO[@REVISION][/FILE]; default: the published dataset, " + std::string(kPublishedDataset) +
                     ". Asks the hub for the newest state of the revision, fetches missing files, and prints the path")
      ->type_name("");
  return define_fetch(app, arguments, fetch_dataset);
}

}  // namespace hre::cli
