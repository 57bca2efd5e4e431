/// hre runs show: one run: its configuration, values, speed and provenance.

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <memory>
#include <ostream>

#include "analysis/notes.h"
#include "cli/command.h"
#include "cli/comparing.h"
#include "cli/run_argument.h"
#include "cli/score_option.h"
#include "cli/store_argument.h"
#include "core/text.h"
#include "core/visible.h"
#include "hre/store.h"
#include "report/comparison_table.h"
#include "report/number_text.h"
#include "report/run_table.h"

namespace hre::cli {
namespace {

using Lines = std::vector<std::pair<std::string, std::string>>;

Lines provenance(const RunInfo& run) {
  return {{"id", run.id},
          {"created", run.created},
          {"updated", run.updated},
          {"origin", run.origin},
          {"questions", run.done < run.planned ? fmt::format("{} of {}, PARTIAL", run.done, run.planned)
                                               : fmt::format("{}", run.done)}};
}

Lines configuration(const RunInfo& run) {
  const EvalOptions& options = run.options;
  Lines lines = {{"model", run.model.name + " (" + run.model.source + ")"},
                 {"weights", run.model.fingerprint.empty() ? "none" : run.model.fingerprint},
                 {"architecture", run.model.architecture},
                 {"dataset", run.dataset_name + " (" + run.dataset_source + ")"},
                 {"dataset fingerprint", run.dataset_fingerprint},
                 {"prompt", options.prompt},
                 {"topics", options.topics.empty() ? "all" : join(options.topics)},
                 {"limit", options.limit ? fmt::format("{} questions per topic", *options.limit) : "none"},
                 {"where", options.where.empty() ? "all" : join(options.where)},
                 {"undefined", options.undefined == UndefinedPolicy::kZero ? "count as chance" : "left out"},
                 {"shuffle", options.shuffle ? fmt::format("seed {}", options.shuffle_seed) : "none"}};
  lines.insert(lines.end(), run.model.settings.begin(), run.model.settings.end());
  return lines;
}

Lines speed(const RunInfo& run) {
  Lines lines = {{"planning", format_seconds(run.times.plan_seconds)},
                 {"scoring", format_seconds(run.times.score_seconds)}};
  if (const auto rate = run.times.tokens_per_second()) {
    lines.push_back({"tokens computed", fmt::format("{}, {} per second", run.times.positions, format_rate(*rate))});
    lines.push_back({"without shared prompts", fmt::format("{}", run.times.positions_unshared)});
  }
  return lines;
}

void print(const std::string& heading, const Lines& lines, Console& console) {
  console.print('\n' + heading + '\n');
  for (const auto& [name, value] : lines)
    console.print(fmt::format("  {:<22}  {}\n", visible_line(one_line(name)), visible_line(one_line(value))));
}

struct RunsShowArguments {
  std::string run, store, metadata;
  std::optional<ClusterKind> cluster;
  ScoreOptions score;
};

Status show_run(const RunsShowArguments& arguments, Console& console) {
  auto path = existing_store(arguments.store);
  if (!path) return forward(path);
  auto store = RunStore::open(*path);
  if (!store) return forward(store);
  auto info = store->find(arguments.run);
  if (!info) return forward(info);
  auto loaded = store->load(*info);
  if (!loaded) return forward(loaded);
  std::vector<Run> runs(1, std::move(*loaded));
  if (auto ok = arguments.score.apply(runs, arguments.store); !ok) return ok;
  const Run& run = runs.front();
  auto clusters = find_clusters(arguments.cluster, arguments.metadata, run.dataset_source, runs);
  if (!clusters) return forward(clusters);
  const std::string clustered = *clusters ? clustered_text(clustered_value(run, **clusters)) : "";
  console.print(visible_line(info->name) + '\n');
  print("Provenance", provenance(*info), console);
  print("Configuration", configuration(*info), console);
  print("Speed", speed(*info), console);
  const std::vector<std::string> notes = run_notes(run, info->done);
  for (size_t i = 0; i < notes.size(); ++i) console.print((i == 0 ? "\n" : "") + visible_line(notes[i]) + '\n');
  const Summary summary = summarize(run);
  const std::string undefined = undefined_sentence(run, summary);
  console.print('\n' + summary_table(runs, {summary}, console.width) + undefined + clustered);
  if (!summary.scores.empty()) console.print('\n' + scores_table(summary.scores, console.width));
  return {};
}

}  // namespace

Action define_runs_show(CLI::App& app) {
  auto a = std::make_shared<RunsShowArguments>();
  app.add_option("RUN", a->run, "a run: its name, the beginning of its id, last, last~1 or last:GLOB")
      ->required()
      ->type_name("");
  a->score.define(app);
  define_cluster(app, a->cluster);
  define_cluster_metadata(app, a->metadata);
  add_store_option(app, a->store);
  return [a](Console& console) { return show_run(*a, console); };
}

}  // namespace hre::cli
