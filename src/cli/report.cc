/// hre report: a page, figures and tables of runs.

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <memory>
#include <ostream>

#include "cli/command.h"
#include "cli/comparing.h"
#include "cli/progress.h"
#include "cli/run_argument.h"
#include "cli/score_option.h"
#include "cli/store_argument.h"
#include "core/files.h"
#include "core/text.h"
#include "core/visible.h"
#include "hub/open.h"
#include "report/training_text.h"
#include "report/write_report.h"

namespace hre::cli {
namespace {

struct ReportArguments {
  std::vector<std::string> runs;
  std::string out, data, study, store, metadata;
  std::optional<ClusterKind> cluster;
  ScoreOptions score;
  bool quiet = false, allow_different = false;
};

/// The questions' texts, where a run has questions.
Result<std::optional<Dataset>> texts_of(const ReportArguments& arguments, const std::vector<Run>& runs,
                                        ProgressListener& progress) {
  if (std::ranges::all_of(runs, [](const Run& run) { return run.questions.empty(); }) ||
      std::ranges::any_of(runs, [](const Run& run) { return !run.item_metric.empty(); })) {
    return std::optional<Dataset>();
  }
  return dataset_of_run(arguments.data, runs.front(), progress);
}

Status report(const ReportArguments& arguments, Console& console) {
  const auto progress = make_progress(console, arguments.quiet);
  std::optional<StudyView> study;
  if (!arguments.study.empty()) {
    auto text = read_file(arguments.study);
    if (!text) return forward(text);
    auto read = read_study(*text, arguments.study);
    if (!read) return forward(read);
    study = std::move(*read);
  }
  auto read = load_runs_or_means(arguments.runs, arguments.store);
  if (!read) return forward(read);
  std::vector<Run> runs;
  std::vector<std::optional<Summary>> means;
  for (ReadRun& one : *read) {
    runs.push_back(std::move(one.run));
    means.push_back(std::move(one.summary));
  }
  std::vector<std::shared_ptr<const Run>> references;
  if (auto ok = arguments.score.apply(runs, arguments.store, arguments.allow_different, &references); !ok) return ok;
  auto dataset = texts_of(arguments, runs, *progress);
  if (!dataset) return forward(dataset);
  auto clusters = find_clusters(arguments.cluster, arguments.metadata,
                                arguments.data.empty() ? runs.front().dataset_source : arguments.data, runs);
  if (!clusters) return forward(clusters);
  CompareOptions compare;
  compare.allow_different = arguments.allow_different;
  if (*clusters) compare.clusters = &**clusters;
  auto data = at_once(console, [&] {
    return report_data(std::move(runs), std::move(*dataset), std::move(means), compare, std::move(references));
  });
  if (!data) return forward(data);
  auto written = write_report(*data, study, arguments.out, *progress, console.stop);
  if (!written) return forward(written);
  console.print(fmt::format(
      "{}  {}\n{}  {}\n{}  {:.2f} MB: {}, {}\n", written->figures_folder, counted(written->figures, "figure"),
      written->tables_folder, counted(written->tables, "table"), written->page,
      static_cast<double>(written->page_bytes) / 1e6, counted(static_cast<int64_t>(data->rows.size()), "question"),
      counted(static_cast<int64_t>(data->runs.size()), "run")));
  for (const std::string& sentence : training_sentences(data->trainings, data->benchmark)) {
    console.print(visible_line(sentence) + "\n");
  }
  return {};
}

}  // namespace

Action define_report(CLI::App& app) {
  auto arguments = std::make_shared<ReportArguments>();
  app.add_option("RUN", arguments->runs,
                 std::string(kRunOrMeansHelp) + kLogHelp + "; several runs are shown side by side")
      ->required()
      ->type_name("");
  app.add_option("--out", arguments->out, "the folder to write to: index.html, figures/, tables/")
      ->type_name("DIR")
      ->required();
  app.add_option("--data", arguments->data, "where the runs' dataset is now (default: as in the runs)")
      ->type_name("DATA");
  app.add_option("--study", arguments->study,
                 "draw figures of families of models from FILE, written by hre study --json FILE")
      ->type_name("FILE");
  define_cluster(app, arguments->cluster);
  define_cluster_metadata(app, arguments->metadata);
  app.add_flag("--allow-different", arguments->allow_different,
               "show runs of different configurations side by side; the differences are listed");
  arguments->score.define(app);
  add_store_option(app, arguments->store);
  app.add_flag("--quiet", arguments->quiet, "no progress and no notes");
  return [arguments](Console& console) { return report(*arguments, console); };
}

}  // namespace hre::cli
