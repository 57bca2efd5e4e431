/// hre demo: an evaluation that needs nothing downloaded.

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <memory>
#include <ostream>

#include "analysis/comparison.h"
#include "analysis/power.h"
#include "cli/evaluation.h"
#include "cli/progress.h"
#include "cli/shipped_models.h"
#include "core/files.h"
#include "report/comparison_table.h"
#include "report/page.h"

namespace hre::cli {
namespace {

/// To find a difference of 0.05 between two such models.
std::string questions_wanted(const RunPower& power) {
  const std::optional<int64_t> needed = power.cases.front().needed;
  return needed ? fmt::format("{}", *needed) : "over 10^12";
}

/// The tuned model against its base: whether the difference is real, and how many questions would tell.
Result<std::string> verdict(const Run& base, const Run& tuned) {
  const std::vector<Run> runs = {tuned, base};
  auto comparison = compare_runs(std::span<const Run>(runs), {});
  if (!comparison) return forward(comparison);
  PowerOptions options;
  options.difference = 0.05;
  auto power = run_power(pointers_to(runs), options);
  if (!power) return forward(power);
  const PairedComparison& pair = comparison->pairs.front().comparison;
  std::string text = fmt::format("{} - {}: {} by {} shared questions, p {}; ", tuned.model.name, base.model.name,
                                 with_interval(pair.difference), comparison->shared, p_text(pair.p));
  if (comparison->told_apart(pair)) return text + "these questions tell the two apart.\n";
  return text +
         fmt::format(
             "these questions can't tell the two apart:\na difference of 0.05 would take {} questions to be found "
             "with a chance of {:.0f} %.\n",
             questions_wanted(*power), 100 * power->options.levels.power);
}

/// The page with every question, answer and token. A place that can't be written is noted: the demo has shown its
/// table.
void write_page(std::vector<Run> runs, Dataset dataset, const std::string& path, ProgressListener& progress,
                Console& console) {
  const auto write = [&]() -> Status {
    auto data = report_data(std::move(runs), std::move(dataset));
    if (!data) return forward(data);
    auto file = AtomicFile::create(path);
    if (!file) return forward(file);
    return file->commit(page_html(*data, {}));
  };
  if (const Status written = write(); !written) {
    progress.note("no page was written: " + written.error().text());
  } else {
    console.out << "\nEvery question, answer and token, in a browser: " << path << '\n';
  }
}

struct DemoArguments {
  std::string page = "hre-demo.html";
  bool quiet = false;
};

Status demo(const DemoArguments& arguments, Console& console) {
  auto dataset = load_dataset("sample");
  if (!dataset) return forward(dataset);
  auto progress = make_progress(console, arguments.quiet);
  const std::vector<std::string> shipped = shipped_models();
  std::vector<std::string> models = shipped;
  EvalOptions options;
  options.keep_tokens = true;
  models.insert(models.end(), {"baseline:length", "baseline:zstd"});
  Evaluation evaluation = evaluate_models(models, *dataset, {}, options, {}, console, *progress);
  print_evaluation(evaluation, console);
  if (!evaluation.failure) return std::move(evaluation.failure);
  if (console.stop.stop_requested()) return fail(ErrorCode::kInterrupted, "interrupted");
  console.out
      << "\nThe baselines are controls without a language model: what an answer's length, and a compressor, make "
         "of the\nbuilt-in questions. ";
  if (shipped.empty()) {
    progress->note("the models that come with hre are not beside the program, so the demo goes without them");
  } else {
    auto text = verdict(evaluation.runs[0], evaluation.runs[1]);
    if (!text) return forward(text);
    console.out << "The other two are small models that come with hre, a base and one tuned from it:\n\n" << *text;
  }
  write_page(std::move(evaluation.runs), std::move(*dataset), arguments.page, *progress, console);
  console.out << "\nYour own model goes in their place: hre eval MODEL.gguf --data sample\n";
  return {};
}

}  // namespace

Action define_demo(CLI::App& app) {
  auto arguments = std::make_shared<DemoArguments>();
  app.add_option("--page", arguments->page, "the page to write (default: hre-demo.html, here)")->type_name("FILE");
  app.add_flag("--quiet", arguments->quiet, "no progress");
  return [arguments](Console& console) { return demo(*arguments, console); };
}

}  // namespace hre::cli
