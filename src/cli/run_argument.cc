#include "cli/run_argument.h"

#include <fmt/format.h>
#include <unistd.h>

#include <array>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <string_view>

#include "cli/store_argument.h"
#include "cli/terminal.h"
#include "core/files.h"
#include "eval/item_log.h"
#include "eval/where.h"
#include "hre/hub.h"
#include "hre/store.h"
#include "service/watch_log.h"

namespace hre::cli {
namespace {

/// A log of another harness, and which of its values: FILE.jsonl, FILE.eval#NAME.
struct LogArgument {
  std::string path, metric;
};

std::optional<LogArgument> log_of(const std::string& argument) {
  if (is_item_log(argument)) return LogArgument{argument, ""};
  const size_t hash = argument.rfind('#');
  if (hash == std::string::npos || !is_item_log(argument.substr(0, hash))) return std::nullopt;
  return LogArgument{argument.substr(0, hash), argument.substr(hash + 1)};
}

/// A file of a repository on the hub, as it is there now: a baseline that others replace must not be an old one.
/// Where the hub can't be reached, the copy in the cache serves, and that is said even where notes are not wanted.
Result<std::string> path_of(const std::string& argument) {
  class Notes final : public ProgressListener {
    void begin(const std::string&, int64_t, const std::string&, double) override {}
    void advance(int64_t, double) override {}
    void end() override {}
    void note(const std::string& message) override { std::cerr << message_text(message, draws_on(STDERR_FILENO)); }
  } notes;
  if (!is_hub_name(argument)) return argument;
  auto file = fetch_file(argument, {.refresh = true}, notes, {});
  if (!file) return forward(file);
  return file->path;
}

Result<std::string> read_run_file(const std::string& argument) {
  auto found = path_of(argument);
  if (!found) return found;
  const std::string& path = *found;
  std::array<char, 4> start{};
  std::error_code unknown;  // of a pipe, nothing may be read twice
  if (std::filesystem::is_regular_file(path, unknown) &&
      std::ifstream(path, std::ios::binary).read(start.data(), start.size()) &&
      std::string_view(start.data(), 4) == "GGUF") {
    return input_error("is a model, not a run", path,
                       "hre eval MODEL evaluates a model; hre compare MODEL MODEL --data DATA compares models");
  }
  auto text = read_file(path);
  if (!text) {
    text.error().next = "RUN is a name, the beginning of an id, last, or a JSON file of hre eval --json FILE --details";
  }
  return text;
}

Result<std::vector<Run>> runs_of_file(const std::string& path) {
  if (const auto log = log_of(path)) {
    auto run = read_item_log(log->path, log->metric);
    if (!run) return forward(run);
    std::vector<Run> runs;
    runs.push_back(std::move(*run));
    return runs;
  }
  auto text = read_run_file(path);
  if (!text) return forward(text);
  auto runs = read_runs_json(*text, path);
  if (!runs) return runs;
  for (Run& run : *runs) add_dates(run);
  return runs;
}

Result<std::vector<ReadRun>> runs_or_means_of_file(const std::string& path) {
  if (log_of(path)) {
    auto runs = runs_of_file(path);
    if (!runs) return forward(runs);
    std::vector<ReadRun> all;
    for (Run& run : *runs) all.push_back({std::move(run), std::nullopt});
    return all;
  }
  auto text = read_run_file(path);
  if (!text) return forward(text);
  auto runs = read_runs_or_means_json(*text, path);
  if (!runs) return runs;
  for (ReadRun& read : *runs) add_dates(read.run);
  return runs;
}

Result<Run> run_of_store(const std::string& argument, const std::string& given) {
  auto path = existing_store(given);
  if (!path) return forward(path);
  auto store = RunStore::open(*path);
  if (!store) return forward(store);
  auto run = store->load(argument);
  if (run) add_dates(*run);
  return run;
}

/// The runs of a watch's results, or nothing for any other file.
Result<std::optional<std::vector<Run>>> runs_of_watch(const std::string& argument, const std::string& store) {
  std::string first;
  std::error_code unknown;  // of a pipe, nothing may be read twice
  if (!argument.ends_with(".jsonl") || !std::filesystem::is_regular_file(argument, unknown) ||
      !std::getline(std::ifstream(argument), first) || !service::parse_watch_line(first)) {
    return std::optional<std::vector<Run>>();
  }
  auto lines = service::read_watch_lines(argument);
  if (!lines) return forward(lines);
  std::vector<Run> runs;
  for (const service::WatchLine& line : *lines) {
    if (line.status != "evaluated") continue;
    auto run = run_of_store(line.run, store);
    if (!run) {
      run.error().where = argument + ": " + line.path;
      return forward(run);
    }
    runs.push_back(std::move(*run));
  }
  if (runs.empty()) return input_error("no checkpoint was evaluated yet", argument);
  return std::optional(std::move(runs));
}

Result<std::vector<Run>> runs_of(const std::string& argument, const std::string& store) {
  auto of_watch = runs_of_watch(argument, store);
  if (!of_watch) return forward(of_watch);
  if (*of_watch) return std::move(**of_watch);
  if (names_file(argument)) return runs_of_file(argument);
  auto run = run_of_store(argument, store);
  if (!run) return forward(run);
  std::vector<Run> runs;
  runs.push_back(std::move(*run));
  return runs;
}

}  // namespace

bool names_file(const std::string& argument) {
  return argument.ends_with(".json") || argument.ends_with(".gguf") || argument.find('/') != std::string::npos ||
         log_of(argument);
}

Result<Run> load_run(const std::string& argument, const std::string& store) {
  auto runs = runs_of(argument, store);
  if (!runs) return forward(runs);
  if (runs->size() > 1)
    return input_error(fmt::format("holds {} runs, but this command needs one run", runs->size()), argument,
                       "evaluate one model per file, or name a run in the store (hre runs list)");
  return std::move(runs->front());
}

Result<std::vector<ReadRun>> load_runs_or_means(const std::vector<std::string>& arguments, const std::string& store) {
  std::vector<ReadRun> all;
  for (const std::string& argument : arguments) {
    auto of_watch = runs_of_watch(argument, store);
    if (!of_watch) return forward(of_watch);
    if (*of_watch) {
      for (Run& run : **of_watch) all.push_back({std::move(run), std::nullopt});
      continue;
    }
    if (!names_file(argument)) {
      auto run = run_of_store(argument, store);
      if (!run) return forward(run);
      all.push_back({std::move(*run), std::nullopt});
      continue;
    }
    auto runs = runs_or_means_of_file(argument);
    if (!runs) return forward(runs);
    std::move(runs->begin(), runs->end(), std::back_inserter(all));
  }
  return all;
}

Result<std::vector<Run>> load_runs(const std::vector<std::string>& arguments, const std::string& store) {
  std::vector<Run> all;
  for (const std::string& argument : arguments) {
    auto runs = runs_of(argument, store);
    if (!runs) return forward(runs);
    std::move(runs->begin(), runs->end(), std::back_inserter(all));
  }
  return all;
}

}  // namespace hre::cli
