#include "report/write_report.h"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <filesystem>
#include <thread>

#include "core/cores.h"
#include "core/files.h"
#include "core/text.h"
#include "report/figures/draw.h"
#include "report/figures/run_figures.h"
#include "report/figures/study_figures.h"
#include "report/page.h"
#include "report/report_tables.h"

namespace hre {
namespace {

namespace fs = std::filesystem;

Status make_folder(const fs::path& path) {
  std::error_code problem;
  fs::create_directories(path, problem);
  if (problem)
    return input_error("the folder cannot be created: " + problem.message(), path.string(), "‹out› names a folder");
  return {};
}

Figures make_figures(const ReportData& data, const std::optional<StudyView>& study) {
  Figures figures;
  if (!data.of_logs) {
    question_figures(data, figures);
    vote_figures(data, figures);
  }
  model_figures(data, figures);
  if (study) {
    study_figures(*study, figures);
  } else if (!data.of_logs) {
    figures.missing.emplace_back("families of models, ChatArena, corr: they need ‹study›");
  }
  return figures;
}

/// Of runs whose tokens were kept without their texts, or that stand beside runs with both.
void note_untold_tokens(const ReportData& data, ProgressListener& progress) {
  if (std::ranges::none_of(data.runs, [](const Run& run) { return run.options.keep_tokens || has_token_texts(run); }))
    return;
  for (size_t i = 0; i < data.runs.size(); ++i) {
    if (const auto advice = token_advice(data.runs[i])) progress.note(data.labels[i] + ": " + *advice);
    const Run* reference = data.references[i].get();
    if (reference == nullptr || (i > 0 && reference == data.references[i - 1].get())) continue;
    if (const auto advice = token_advice(*reference)) {
      progress.note("the reference, " + reference->model.name + ": " + *advice);
    }
  }
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

/// Draws on all cores; a figure's bytes depend on it alone. A figure that fails is noted, and the others go on.
std::vector<PageFigure> draw_all(const std::vector<Figure>& figures, const fs::path& folder, ProgressListener& progress,
                                 const std::stop_token& stop) {
  std::vector<Status> ends(figures.size());
  std::atomic<size_t> next = 0, done = 0;
  progress.begin("drawing", static_cast<int64_t>(figures.size()), "figures", 0);
  {
    std::vector<std::jthread> threads;
    for (int i = 0; i < usable_cores(); ++i) {
      threads.emplace_back([&] {
        for (size_t at = next++; at < figures.size() && !stop.stop_requested(); at = next++, ++done) {
          ends[at] = draw_figure(figures[at], folder.string());
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
    auto svg = read_file((folder / (figures[i].name + ".svg")).string());
    if (ends[i] && svg) drawn.push_back({figures[i].name, figures[i].caption, std::move(*svg)});
  }
  return drawn;
}

}  // namespace

Result<WrittenReport> write_report(const ReportData& data, const std::optional<StudyView>& study,
                                   const std::string& out, ProgressListener& progress, const std::stop_token& stop) {
  const fs::path folder(out), figures_folder = folder / "figures", tables_folder = folder / "tables",
                              page = folder / "index.html";
  WrittenReport written{page.string(), figures_folder.string(), tables_folder.string(), 0, 0, 0};

  if (auto made = make_folder(folder); !made) return forward(made);
  for (const std::string& caveat : data.caveats) progress.note(caveat.substr(0, caveat.size() - 1));
  note_untold_tokens(data, progress);
  const Figures figures = make_figures(data, study);
  note_missing(figures, progress);
  if (auto made = make_folder(figures_folder); !made) return forward(made);
  const std::vector<PageFigure> drawn = draw_all(figures.figures, figures_folder, progress, stop);
  if (stop.stop_requested()) return fail(ErrorCode::kInterrupted, "interrupted; no page was written");
  written.figures = static_cast<int64_t>(figures.figures.size());

  if (auto made = make_folder(tables_folder); !made) return forward(made);
  const std::vector<ReportTable> tables = report_tables(data);
  for (const ReportTable& file : tables) {
    if (auto ok = write_file(tables_folder / file.name, file.content); !ok) return forward(ok);
  }
  written.tables = static_cast<int64_t>(tables.size() / 3);  // each in three formats

  const std::string html = page_html(data, drawn);
  if (auto ok = write_file(page, html); !ok) return forward(ok);
  written.page_bytes = static_cast<int64_t>(html.size());
  return written;
}

}  // namespace hre
