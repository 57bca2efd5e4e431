/// hre compare: runs, or models, against each other on the same questions.

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <cmath>
#include <memory>
#include <ostream>

#include "cli/comparing.h"
#include "cli/evaluating.h"
#include "cli/evaluation.h"
#include "cli/progress.h"
#include "cli/run_argument.h"
#include "cli/store_argument.h"
#include "eval/until.h"
#include "hub/open.h"
#include "report/comparison_json.h"
#include "report/comparison_table.h"
#include "report/number_text.h"

namespace hre::cli {
namespace {

struct CompareArguments {
  std::vector<std::string> runs;
  ComparingOptions comparing;
  EvaluatingOptions evaluating;
  std::vector<const CLI::Option*> of_evaluating;  ///< of no use without --data
  std::string data, json, until, store;
  std::optional<double> fail_if_worse;
  int moved = 10;
  bool allow_different = false, quiet = false;
};

/// --fail-if-worse: the first run against each of the others.
Status check_worse(const Comparison& comparison) {
  for (const GateDecision& gate : comparison.gates) {
    if (gate.verdict != GateVerdict::kFail) continue;
    return fail(ErrorCode::kThreshold,
                fmt::format("{} is worse than {} by more than {:g}: by {} ({} against a difference of {:g})",
                            comparison.runs[0].model, comparison.runs[gate.against].model, gate.margin,
                            significant(std::abs(*gate.difference)), p_equals(gate.p_holm), gate.margin),
                "--fail-if-worse");
  }
  return {};
}

/// Two models side by side, until it is decided which is better.
Result<std::vector<Run>> decide_models(const CompareArguments& a, const EvalOptions& options, const Dataset& dataset,
                                       const CompareOptions& compare, ProgressListener& progress, Console& console) {
  std::vector<std::unique_ptr<Scorer>> models;
  std::vector<Scorer*> scorers;
  for (const std::string& source : a.runs) {
    auto model = open_model_argument(source, options_of(source, a.runs, a.evaluating.model), progress, console.stop);
    if (!model) return forward(model);
    models.push_back(std::move(*model));
    scorers.push_back(models.back().get());
  }
  return evaluate_until(dataset, scorers, options, {.metric = compare.metric, .seed = a.comparing.seed}, progress,
                        console.stop, {.store = store_to_keep(a.store, console.err)});
}

/// The arguments are models, to be evaluated on --data.
Result<std::vector<Run>> evaluate_runs(const CompareArguments& a, const CompareOptions& compare, Console& console) {
  auto progress = make_progress(console, a.quiet);
  if (auto ok = check_models(a.runs, a.evaluating.model, *progress, console.stop); !ok) return forward(ok);
  auto dataset = load_data_argument(a.data, *progress, console.stop);
  if (!dataset) return forward(dataset);
  if (auto ok = a.comparing.apply_where(*dataset); !ok) return forward(ok);
  EvalOptions options = a.evaluating.eval;
  options.where = a.comparing.where;
  if (!a.until.empty()) return decide_models(a, options, *dataset, compare, *progress, console);
  EvaluatedModels evaluation = evaluate_models(a.runs, *dataset, a.evaluating.model, options,
                                               {.store = store_to_keep(a.store, console.err)}, console, *progress);
  if (!evaluation.failure) return forward(evaluation.failure);
  return std::move(evaluation.runs);
}

Result<std::vector<Run>> runs_of(const CompareArguments& a, const CompareOptions& compare, Console& console) {
  if (!a.data.empty()) return evaluate_runs(a, compare, console);
  auto runs = load_runs(a.runs, a.store);
  if (!runs) return runs;
  if (auto ok = a.comparing.apply_where(*runs); !ok) return forward(ok);
  return runs;
}

/// That nothing was said of how to evaluate runs.
Status check_evaluating(const CompareArguments& a) {
  for (const CLI::Option* option : a.of_evaluating) {
    if (!a.data.empty() || option->count() == 0) continue;
    return input_error(option->get_name() + " is about evaluating models, and the arguments are runs", "",
                       "give --data to evaluate models, or choose the runs' questions with --where");
  }
  return {};
}

Status run_compare(CompareArguments arguments, Console& console) {
  if (auto ok = check_evaluating(arguments); !ok) return ok;
  if (auto ok = arguments.evaluating.finish(); !ok) return ok;
  if (!arguments.data.empty() && arguments.runs.size() < 2) return input_error("a comparison needs two or more models");
  arguments.comparing.threads = arguments.evaluating.model.threads;
  auto options = arguments.comparing.compare_options();
  if (!options) return forward(options);
  options->moved = static_cast<size_t>(arguments.moved);
  options->margin = arguments.fail_if_worse;
  options->until_decided = !arguments.until.empty();
  options->allow_different = arguments.allow_different;
  if (options->until_decided && !arguments.data.empty() && arguments.comparing.score.any()) {
    return input_error("stopping early looks at the published score", "--until", "leave out --score and --reference");
  }
  if (options->until_decided && options->statistics.weights == Weights::kTopics) {
    return input_error("decided is about the mean over questions", "--until", "leave out --weights topics");
  }
  auto runs = runs_of(arguments, *options, console);
  if (!runs) return forward(runs);
  if (auto ok = arguments.comparing.score.apply(*runs, arguments.store, arguments.allow_different); !ok) return ok;
  if (runs->size() < 2) return input_error("a comparison needs two or more runs");
  if (!arguments.until.empty() && runs->size() != 2) return input_error("decided needs exactly two runs", "--until");
  if (console.stop.stop_requested()) return fail(ErrorCode::kInterrupted, "interrupted; nothing was compared");
  for (const Run& run : *runs) {
    if (run.failure) return tl::unexpected<Error>(*run.failure);
  }

  auto clusters =
      find_clusters(arguments.comparing.cluster, arguments.comparing.metadata, runs->front().dataset_source, *runs);
  if (!clusters) return forward(clusters);
  if (*clusters) options->clusters = &**clusters;
  auto comparison = at_once(console, [&] { return compare_runs(*runs, *options); });
  if (!comparison) return forward(comparison);
  const std::string json = comparison_json(*comparison, arguments.comparing.where);
  if (auto ok = write_result(arguments.json, json, comparison_text(*comparison, console.width), console); !ok)
    return ok;
  return check_worse(*comparison);
}

/// How models are evaluated; runs have been, so only the number of threads is of use for them.
void define_evaluating(CLI::App& app, CompareArguments& a) {
  app.add_option("--data", a.data, "evaluate now: the arguments are models, and DATA is the dataset")
      ->type_name("DATA");
  const size_t before = app.get_options().size();
  a.evaluating.define(app);
  const std::vector<CLI::Option*> options = app.get_options();
  for (size_t i = before; i < options.size(); ++i) {
    if (options[i]->check_lname("threads")) continue;
    options[i]->group("With --data, as in hre eval");
    a.of_evaluating.push_back(options[i]);
  }
}

void define_looking(CLI::App& app, CompareArguments& a) {
  app.add_option("--until", a.until,
                 "with --data: stop when it is decided which of two models is better, checked after every question; "
                 "without it: say when that would have been decided for two runs")
      ->type_name("decided")
      ->check(CLI::IsMember({"decided"}).description(""));
  app.add_flag("--quiet", a.quiet, "no progress and no notes");
}

}  // namespace

Action define_compare(CLI::App& app) {
  auto a = std::make_shared<CompareArguments>();
  app.add_option("RUN", a->runs, std::string("two or more runs; with --data, two or more models") + kLogHelp)
      ->required()
      ->type_name("");
  define_looking(app, *a);
  add_store_option(app, a->store);
  define_evaluating(app, *a);
  a->comparing.define(app);
  define_cluster(app, a->comparing.cluster);
  app.add_option("--moved", a->moved, "number of questions to list whose values differ most (default 10)")
      ->type_name("N")
      ->check(CLI::Range(0, 1000000).description(""));
  app.add_option("--fail-if-worse", a->fail_if_worse,
                 "status 3 if the first run is worse than another run by more than BY (default 0): if the difference "
                 "is below -BY at the 5 % level, corrected for the number of other runs; an inconclusive comparison "
                 "ends with status 0, hre gate with 4")
      ->type_name("[BY]")
      ->expected(0, 1)
      ->default_str("0")
      ->check(CLI::NonNegativeNumber.description(""));
  app.add_flag("--allow-different", a->allow_different,
               "compare runs of different configurations; the differences are listed");
  app.add_option("--json", a->json, "write the comparison as JSON (format hre-compare/1); - for standard output")
      ->type_name("FILE");
  return [a](Console& console) { return run_compare(*a, console); };
}

}  // namespace hre::cli
