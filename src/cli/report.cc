/// hre report: a page, figures and tables of runs.

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <atomic>
#include <chrono>
#include <filesystem>
#include <memory>
#include <ostream>
#include <thread>

#include "analysis/confounds.h"
#include "cli/command.h"
#include "cli/comparing.h"
#include "cli/progress.h"
#include "cli/run_argument.h"
#include "cli/run_dataset.h"
#include "cli/store_argument.h"
#include "core/cores.h"
#include "core/files.h"
#include "core/text.h"
#include "report/figures/draw.h"
#include "report/figures/run_figures.h"
#include "report/figures/study_figures.h"
#include "report/page.h"
#include "report/report_tables.h"

namespace hre::cli {
namespace {

namespace fs = std::filesystem;

struct ReportArguments {
  std::vector<std::string> runs;
  std::string out, data, study, store;
  bool quiet = false, allow_different = false;
};

Status make_folder(const std::string& path) {
  std::error_code problem;
  fs::create_directories(path, problem);
  if (problem) return input_error("the folder cannot be created: " + problem.message(), path, "--out names a folder");
  return {};
}

Result<Figures> make_figures(const ReportArguments& arguments, const ReportData& data) {
  Figures figures;
  question_figures(data, figures);
  vote_figures(data, figures);
  model_figures(data, figures);
  if (arguments.study.empty()) {
    figures.missing.emplace_back("families of models, ChatArena, corr: they need --study FILE");
    return figures;
  }
  auto text = read_file(arguments.study);
  if (!text) return forward(text);
  auto study = read_study(*text, arguments.study);
  if (!study) return forward(study);
  study_figures(*study, figures);
  return figures;
}

/// Draws on all cores; a figure's bytes depend on it alone. One that fails is noted, and the others go on.
std::vector<PageFigure> draw_all(const std::vector<Figure>& figures, const std::string& folder,
                                 ProgressListener& progress, const std::stop_token& stop) {
  std::vector<Status> ends(figures.size());
  std::atomic<size_t> next = 0, done = 0;
  progress.begin("drawing", static_cast<int64_t>(figures.size()), "figures", 0);
  {
    std::vector<std::jthread> threads;
    for (int i = 0; i < usable_cores(); ++i) {
      threads.emplace_back([&] {
        for (size_t at = next++; at < figures.size() && !stop.stop_requested(); at = next++, ++done) {
          ends[at] = draw_figure(figures[at], folder);
        }
      });
    }
    while (next < figures.size() && !stop.stop_requested()) {
      progress.advance(static_cast<int64_t>(done), static_cast<double>(done));
      std::this_thread::sleep_for(std::chrono::milliseconds(50));
    }
  }
  progress.advance(static_cast<int64_t>(done), static_cast<double>(done));
  progress.end();
  std::vector<PageFigure> drawn;
  for (size_t i = 0; i < figures.size(); ++i) {
    if (!ends[i]) progress.note("figure " + figures[i].name + " could not be drawn: " + ends[i].error().text());
    auto svg = read_file((fs::path(folder) / (figures[i].name + ".svg")).string());
    if (ends[i] && svg) drawn.push_back({figures[i].name, figures[i].caption, std::move(*svg)});
  }
  return drawn;
}

/// Says what is missing to draw, and what is made all the same.
void note_missing(const Figures& figures, ProgressListener& progress) {
  for (const std::string& missing : figures.missing) progress.note("without " + missing);
  const std::vector<std::string> plotters = missing_plotters();
  if (plotters.empty()) return;
  const bool pdf = plotters == std::vector<std::string>{"pdftocairo"};
  progress.note(join(plotters, " and ") + (plotters.size() == 1 ? " is" : " are") + " missing, so figures are " +
                (pdf ? "only PDF, and not in the page" : "only tables (.tsv) and scripts (.gp)") +
                "; Debian's packages are gnuplot-nox and poppler-utils");
}

Result<std::vector<PageFigure>> write_figures(const ReportArguments& arguments, const ReportData& data,
                                              ProgressListener& progress, Console& console) {
  auto figures = make_figures(arguments, data);
  if (!figures) return forward(figures);
  note_missing(*figures, progress);
  const std::string folder = (fs::path(arguments.out) / "figures").string();
  if (auto made = make_folder(folder); !made) return forward(made);
  std::vector<PageFigure> drawn = draw_all(figures->figures, folder, progress, console.stop);
  if (console.stop.stop_requested()) return fail(ErrorCode::kInterrupted, "interrupted; no page was written");
  console.out << fmt::format("{}  {}\n", folder, counted(static_cast<int64_t>(figures->figures.size()), "figure"));
  return drawn;
}

Status write_tables(const ReportData& data, const std::string& out, Console& console) {
  const fs::path folder = fs::path(out) / "tables";
  if (auto made = make_folder(folder.string()); !made) return made;
  const std::vector<TableFile> files = report_tables(data);
  for (const TableFile& file : files) {
    if (auto written = write_file(folder / file.name, file.content); !written) return written;
  }
  console.out << fmt::format("{}  {}\n", folder.string(), counted(static_cast<int64_t>(files.size() / 3), "table"));
  return {};
}

Status write_page(const ReportData& data, const std::vector<PageFigure>& figures, const std::string& out,
                  Console& console) {
  const fs::path path = fs::path(out) / "index.html";
  const std::string html = page_html(data, figures);
  if (auto written = write_file(path, html); !written) return written;
  console.out << fmt::format("{}  {:.2f} MB: {}, {}\n", path.string(), static_cast<double>(html.size()) / 1e6,
                             counted(static_cast<int64_t>(data.rows.size()), "question"),
                             counted(static_cast<int64_t>(data.runs.size()), "run"));
  return {};
}

/// The questions' texts, where a run has questions.
Result<std::optional<Dataset>> texts_of(const ReportArguments& arguments, const std::vector<Run>& runs,
                                        ProgressListener& progress) {
  if (std::ranges::all_of(runs, [](const Run& run) { return run.questions.empty(); })) return std::optional<Dataset>();
  return dataset_of_run(arguments.data, runs.front(), progress);
}

/// Of runs whose tokens were kept without their texts, or that stand beside runs with both.
void note_untold_tokens(const ReportData& data, ProgressListener& progress) {
  if (std::ranges::none_of(data.runs, [](const Run& run) { return run.options.keep_tokens || has_token_texts(run); }))
    return;
  for (size_t i = 0; i < data.runs.size(); ++i) {
    if (const auto advice = token_advice(data.runs[i])) progress.note(data.labels[i] + ": " + *advice);
  }
}

Status report(const ReportArguments& arguments, Console& console) {
  const auto progress = make_progress(console, arguments.quiet);
  if (auto made = make_folder(arguments.out); !made) return made;
  auto read = load_runs_or_means(arguments.runs, arguments.store);
  if (!read) return forward(read);
  std::vector<Run> runs;
  std::vector<std::optional<Summary>> means;
  for (ReadRun& one : *read) {
    runs.push_back(std::move(one.run));
    means.push_back(std::move(one.summary));
  }
  auto dataset = texts_of(arguments, runs, *progress);
  if (!dataset) return forward(dataset);
  CompareOptions compare;
  compare.allow_different = arguments.allow_different;
  auto data = report_data(std::move(runs), std::move(*dataset), std::move(means), compare);
  if (!data) return forward(data);
  const auto ceiling = run_ceiling(data->runs.front());
  if (const auto note = ceiling ? ceiling_note(*ceiling) : std::nullopt) data->caveats.push_back(*note);
  for (const std::string& caveat : data->caveats) progress->note(caveat.substr(0, caveat.size() - 1));
  note_untold_tokens(*data, *progress);
  auto figures = write_figures(arguments, *data, *progress, console);
  if (!figures) return forward(figures);
  if (auto written = write_tables(*data, arguments.out, console); !written) return written;
  return write_page(*data, *figures, arguments.out, console);
}

}  // namespace

Action define_report(CLI::App& app) {
  auto arguments = std::make_shared<ReportArguments>();
  app.add_option("RUN", arguments->runs, std::string(kRunOrMeansHelp) + "; several runs are shown side by side")
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
  app.add_flag("--allow-different", arguments->allow_different,
               "show runs of different configurations side by side; the differences are listed");
  add_store_option(app, arguments->store);
  app.add_flag("--quiet", arguments->quiet, "no progress and no notes");
  return [arguments](Console& console) { return report(*arguments, console); };
}

}  // namespace hre::cli
