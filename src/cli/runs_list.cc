/// hre runs list: what the store holds.

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <filesystem>
#include <memory>
#include <nlohmann/json.hpp>
#include <ostream>
#include <set>

#include "analysis/notes.h"
#include "cli/command.h"
#include "cli/store_argument.h"
#include "cli/terminal.h"
#include "core/text.h"
#include "hre/store.h"
#include "report/number_text.h"
#include "report/text_table.h"
#include "store/default_store.h"

namespace hre::cli {
namespace {

struct ListArguments {
  std::string store, model, dataset, since, until;
  bool json = false;
};

/// Dates compare as text: "2026-01" is before "2026-01-31T12:00:00Z", and all of it is until "2026-01".
bool is_listed(const RunInfo& run, const ListArguments& a) {
  return (a.model.empty() || matches_glob(a.model, run.model.name)) &&
         (a.dataset.empty() || matches_glob(a.dataset, run.dataset_name)) &&
         (a.since.empty() || run.updated >= a.since) &&
         (a.until.empty() || run.updated.substr(0, a.until.size()) <= a.until);
}

std::string value_of(const RunInfo& run) {
  if (!run.value) return "";
  Estimate value;
  value.mean = run.value;
  value.stderr_ = run.value_stderr;
  value.ci_low = run.value_low;
  value.ci_high = run.value_high;
  return with_error(value);
}

/// "2026-11-30 11:07" of "2026-11-30T11:07:55Z".
std::string minute_of(std::string time) {
  if (time.size() < 16) return time;
  time[10] = ' ';
  return time.substr(0, 16);
}

std::string table_of(const std::vector<RunInfo>& runs, int width) {
  TextTable table({"name", "HumanRankEval", "questions", "updated (UTC)", "id", "model", "dataset"});
  table.can_spare({"dataset", "model", "id", "updated (UTC)"});
  for (const RunInfo& run : runs) {
    const std::string count =
        run.done < run.planned ? fmt::format("{} of {}", run.done, run.planned) : fmt::format("{}", run.done);
    table.add_row({run.name, value_of(run), count, minute_of(run.updated), run.id.substr(0, 8), run.model.name,
                   run.dataset_name});
  }
  return table.render(width);
}

nlohmann::ordered_json json_of(const RunInfo& run) {
  const auto number = [](const std::optional<double>& value) {
    return value ? nlohmann::ordered_json(*value) : nlohmann::ordered_json(nullptr);
  };
  return {{"name", run.name},
          {"id", run.id},
          {"model", run.model.name},
          {"model_fingerprint", run.model.fingerprint},
          {"dataset", run.dataset_name},
          {"dataset_fingerprint", run.dataset_fingerprint},
          {"planned", run.planned},
          {"done", run.done},
          {"pearson",
           {{"mean", number(run.value)},
            {"stderr", number(run.value_stderr)},
            {"ci95", {number(run.value_low), number(run.value_high)}}}},
          {"created", run.created},
          {"updated", run.updated},
          {"origin", run.origin}};
}

/// What readers of several runs' values must know.
std::vector<std::string> list_notes(const std::vector<RunInfo>& runs) {
  std::vector<std::string> notes;
  std::set<std::string> datasets;
  for (const RunInfo& run : runs) {
    datasets.insert(run.dataset_fingerprint);
    const auto note = invented_votes_note(run.dataset_source, run.dataset_fingerprint);
    if (note && notes.empty()) notes.push_back(*note);
  }
  if (datasets.size() > 1) {
    notes.emplace_back(
        "Values of different datasets can't be compared: a mean correlation also depends on the questions and on the "
        "number of answers.");
  }
  return notes;
}

/// A store that isn't there holds none.
Result<std::vector<RunInfo>> runs_of(const std::string& path) {
  std::error_code ignored;
  if (!std::filesystem::exists(path, ignored)) return std::vector<RunInfo>();
  auto store = RunStore::open(path);
  if (!store) return forward(store);
  return store->list();
}

Status list_runs(const ListArguments& arguments, Console& console) {
  const std::string path = store_path(arguments.store);
  auto runs = runs_of(path);
  if (!runs) return forward(runs);
  for (const RunInfo& run : *runs) {
    if (run.problem.empty()) continue;
    console.err << message_text("run " + run.name + " can't be read: " + run.problem +
                                    "; hre runs repair saves the others, hre runs remove takes it out",
                                console.err_is_terminal);
  }
  std::erase_if(*runs, [&](const RunInfo& run) { return !run.problem.empty() || !is_listed(run, arguments); });
  if (arguments.json) {
    nlohmann::ordered_json json = {{"format", "hre-runs/1"},
                                   {"store", path},
                                   {"notes", list_notes(*runs)},
                                   {"runs", nlohmann::ordered_json::array()}};
    for (const RunInfo& run : *runs) json["runs"].push_back(json_of(run));
    console.out << json.dump(2, ' ', false, nlohmann::json::error_handler_t::replace) << '\n';
  } else if (runs->empty()) {
    console.out << "no runs\n";
  } else {
    console.print(table_of(*runs, console.width));
    for (const std::string& note : list_notes(*runs)) console.print(note + '\n');
  }
  return {};
}

}  // namespace

Action define_runs_list(CLI::App& app) {
  auto arguments = std::make_shared<ListArguments>();
  add_store_option(app, arguments->store);
  app.add_option("--model", arguments->model, "only models whose names match")->type_name("GLOB");
  app.add_option("--dataset", arguments->dataset, "only datasets whose names match")->type_name("GLOB");
  app.add_option("--since", arguments->since, "only runs since this date: 2026-01-31, or the beginning of a date")
      ->type_name("DATE");
  app.add_option("--until", arguments->until, "only runs until this date")->type_name("DATE");
  app.add_flag("--json", arguments->json, "print JSON (format hre-runs/1)");
  return [arguments](Console& console) { return list_runs(*arguments, console); };
}

}  // namespace hre::cli
