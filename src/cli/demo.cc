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
#include "report/comparison_table.h"
#include "report/page.h"

namespace hre::cli {
namespace {

constexpr const char* kQuestion =
    "How well does a language model's log-likelihood rank people's answers? Each\n"
    "model scores every answer after its question; the scores are correlated with\n"
    "the votes: 1 is people's order, 0 chance. Below are {} questions of {} topics.\n"
    "They were written for this demo and their votes are invented, so these values\n"
    "show how hre works and say nothing about real models.\n\n";

/// "0.12 [0.03, 0.21]", aligned; "undefined"
std::string with_interval_of_two_digits(const Estimate& value) {
  if (!value.mean) return "undefined";
  const std::string mean = fmt::format("{:5.2f}", *value.mean);
  return value.ci_low && value.ci_high ? mean + fmt::format(" [{:5.2f}, {:5.2f}]", *value.ci_low, *value.ci_high)
                                       : mean;
}

/// "59 % [54, 63]"; "undefined"
std::string percent_with_interval(const Estimate& value) {
  if (!value.mean) return "undefined";
  const std::string mean = fmt::format("{:.0f} %", 100 * *value.mean);
  return value.ci_low && value.ci_high
             ? mean + fmt::format(" [{:.0f}, {:.0f}]", 100 * *value.ci_low, 100 * *value.ci_high)
             : mean;
}

/// One row per model; chance last.
std::string table(const Evaluation& evaluation, size_t n_language_models) {
  size_t widest = 0;
  for (const Run& run : evaluation.runs) widest = std::max(widest, run.model.name.size());
  std::string text =
      fmt::format("{:<{}}  {:<21}  {}\n", "", widest, " HumanRankEval [95 %]", "pairs in people's order [95 %]");
  for (size_t i = 0; i < evaluation.runs.size(); ++i) {
    const MetricSummary& micro = evaluation.summaries[i].micro;
    const std::string name = evaluation.runs[i].model.name, control = i < n_language_models ? "" : "no language model";
    const std::string line =
        fmt::format("{:<{}}  {:<21}  {:<15}  {}", name, widest, with_interval_of_two_digits(micro.pearson),
                    percent_with_interval(micro.pairwise_accuracy), control);
    text += line.substr(0, line.find_last_not_of(' ') + 1) + '\n';
  }
  const MetricSummary& any = evaluation.summaries.front().micro;
  return text + fmt::format("{:<{}}  {:<21}  {:.0f} %\n", "chance", widest,
                            fmt::format("{:5.2f}", any.pearson.chance.value_or(0)),
                            100 * any.pairwise_accuracy.chance.value_or(0));
}

/// The tuned model against its base: how far apart, and how sure that is.
Result<std::string> verdict(const Run& base, const Run& tuned) {
  const std::vector<Run> runs = {tuned, base};
  auto comparison = compare_runs(runs, {});
  if (!comparison) return forward(comparison);
  const PairedComparison& pair = comparison->pairs.front().comparison;
  const Estimate& difference = pair.difference;
  const auto shown = interval_of(pair);
  const std::string interval = shown ? fmt::format(" [{:.3f}, {:.3f}]", shown->low, shown->high) : "";
  std::string text = fmt::format("\nTuned minus base, question by question: {:.3f}{}, p {}:\n",
                                 difference.mean.value_or(0), interval, p_text(pair.p));
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
  if (shipped.empty())
    progress->note("the models that come with hre are not beside the program, so the demo leaves them out");
  std::vector<std::string> models = shipped;
  EvalOptions options;
  options.keep_tokens = true;
  models.insert(models.end(), {"baseline:length", "baseline:zstd"});
  Evaluation evaluation = evaluate_models(models, *dataset, {}, options, {}, console, *progress);
  if (!evaluation.failure) return std::move(evaluation.failure);
  if (console.stop.stop_requested()) return fail(ErrorCode::kInterrupted, "interrupted");

  const Summary& any = evaluation.summaries.front();
  console.out << fmt::format(fmt::runtime(kQuestion), any.questions, any.topics.size())
              << table(evaluation, shipped.size());
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
