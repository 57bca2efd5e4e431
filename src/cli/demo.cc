/// hre demo: an evaluation that needs nothing downloaded.

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <memory>
#include <ostream>

#include "analysis/comparison.h"
#include "cli/evaluation.h"
#include "cli/progress.h"
#include "cli/shipped_models.h"
#include "core/files.h"
#include "report/number_text.h"
#include "report/page.h"
#include "report/text_table.h"

namespace hre::cli {
namespace {

constexpr const char* kQuestion =
    "How well does a language model's log-likelihood rank people's answers? Each\n"
    "model scores every answer after its question; the scores are correlated with\n"
    "the votes: 1 is people's order, 0 chance; ± is half of the 95 % interval. The\n"
    "{} questions of {} topics were written for this demo and their votes are\n"
    "invented, so these values show how hre works, not how good a model is.\n\n";

/// One row per model; chance last.
std::string table(const EvaluatedModels& evaluation, size_t n_language_models, int width) {
  TextTable table({"", "HumanRankEval", "pairs in people's order", ""});
  for (size_t i = 0; i < evaluation.runs.size(); ++i) {
    const MetricSummary& micro = evaluation.summaries[i].micro;
    table.add_row({evaluation.runs[i].model.name, with_error(micro.pearson),
                   percent_with_error(micro.pairwise_accuracy),
                   i < n_language_models ? "" : "without a language model"});
  }
  table.add_row({"chance", "0", "50 %", ""});
  return table.render(width);
}

/// The tuned model against its base: how far apart, and how sure that is.
Result<std::string> verdict(const Run& base, const Run& tuned) {
  const std::vector<Run> runs = {tuned, base};
  auto comparison = compare_runs(runs, {});
  if (!comparison) return forward(comparison);
  const PairedComparison& pair = comparison->pairs.front().comparison;
  const Estimate& difference = pair.difference;
  const auto shown = interval_of(pair);
  std::string text = fmt::format("\nTuned minus base, question by question: {}, {}:\n",
                                 with_interval(difference.mean, shown), p_equals(pair.p));
  if (comparison->not_settled(pair)) {
    return text + "the two models are not interchangeable, but these questions don't settle which is better.\n";
  }
  if (!comparison->told_apart(pair)) return text + "these questions cannot tell the two models apart.\n";
  return text + fmt::format("on these questions the {} model ranks answers more as their votes do.\n",
                            difference.mean.value_or(0) > 0 ? "tuned" : "base");
}

/// The page with every question, answer and token. A place that can't be written is noted: the demo has shown its
/// table.
void write_page(std::vector<Run> runs, Dataset dataset, const std::string& path, ProgressListener& progress,
                Console& console) {
  const auto write = [&]() -> Status {
    auto data = report_data(std::move(runs), std::move(dataset));
    if (!data) return forward(data);
    return write_file(path, page_html(*data, {}));
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
  if (shipped.empty())
    progress->note("the models that come with hre are not beside the program, so the demo leaves them out");
  std::vector<std::string> models = shipped;
  EvalOptions options;
  options.keep_tokens = true;
  models.insert(models.end(), {"baseline:length", "baseline:zstd"});
  EvaluatedModels evaluation = evaluate_models(models, *dataset, {}, options, {}, console, *progress);
  if (!evaluation.failure) return std::move(evaluation.failure);
  if (console.stop.stop_requested()) return fail(ErrorCode::kInterrupted, "interrupted");

  const Summary& any = evaluation.summaries.front();
  console.out << fmt::format(fmt::runtime(kQuestion), any.questions, any.topics.size())
              << table(evaluation, shipped.size(), console.width);
  if (!shipped.empty()) {
    auto text = verdict(evaluation.runs[0], evaluation.runs[1]);
    if (!text) return forward(text);
    console.out << *text;
  }
  write_page(std::move(evaluation.runs), std::move(*dataset), arguments.page, *progress, console);
  console.out << "\nNext:\n"
                 "  hre eval MODEL.gguf --data sample     your own model\n"
                 "  hre show last --worst 3               then: where it and people disagree most\n"
                 "  hre --help                            all commands, each with an example\n";
  return {};
}

}  // namespace

Action define_demo(CLI::App& app) {
  auto arguments = std::make_shared<DemoArguments>();
  app.add_option("--page", arguments->page, "the page to write (default: hre-demo.html in this folder)")
      ->type_name("FILE");
  app.add_flag("--quiet", arguments->quiet, "no progress");
  return [arguments](Console& console) { return demo(*arguments, console); };
}

}  // namespace hre::cli
