/// hre eval: a model's HumanRankEval value.

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <filesystem>
#include <memory>
#include <optional>
#include <ostream>
#include <set>

#include "analysis/gate.h"
#include "analysis/gate_file.h"
#include "analysis/option_names.h"
#include "analysis/scores.h"
#include "cli/choice.h"
#include "cli/comparing.h"
#include "cli/evaluating.h"
#include "cli/evaluation.h"
#include "cli/gate_status.h"
#include "cli/model_options.h"
#include "cli/progress.h"
#include "cli/run_argument.h"
#include "cli/scale_options.h"
#include "cli/score_option.h"
#include "cli/speed_text.h"
#include "cli/store_argument.h"
#include "cli/where_options.h"
#include "core/cores.h"
#include "core/files.h"
#include "core/fingerprint.h"
#include "core/question_name.h"
#include "core/text.h"
#include "core/visible.h"
#include "eval/where.h"
#include "hub/open.h"
#include "report/gate_text.h"
#include "report/run_json.h"
#include "report/text_table.h"

namespace hre::cli {
namespace {

struct EvalArguments {
  std::vector<std::string> models;
  std::string data;
  EvaluatingOptions evaluating;
  Keeping keeping;
  bool no_cache = false, verify_weights = false;
  std::vector<std::string> metrics;
  std::vector<const Metric*> metrics_by_topic;
  std::string json, reference_json, until, gate, metadata;
  std::optional<ClusterKind> cluster;
  bool details = false, quiet = false, stats = false;
  ScoreOptions score;
  ScaleArguments scale;
};

/// --metrics: those shown by topic, in the tables' order; none is asked for: the summary alone.
Result<std::vector<const Metric*>> find_metrics(const std::vector<std::string>& names) {
  std::set<const Metric*> wanted;
  for (const std::string& name : names) {
    if (name == "all") {
      for (const Metric& metric : all_metrics()) wanted.insert(&metric);
      for (const Metric& metric : dated_metrics()) wanted.insert(&metric);
      continue;
    }
    auto metric = find_metric(name);
    if (!metric) {
      metric.error().where = "--metrics";
      return forward(metric);
    }
    wanted.insert(*metric);
  }
  std::vector<const Metric*> found;
  for (const std::span<const Metric> metrics : {all_metrics(), dated_metrics()}) {
    for (const Metric& metric : metrics) {
      if (wanted.contains(&metric)) found.push_back(&metric);
    }
  }
  return found;
}

/// Where results go beside the table; made before the work, so that a place that can't be written is found at once.
struct Outputs {
  std::optional<AtomicFile> json, reference_json;
  bool json_to_out = false;
};

Result<Outputs> open_outputs(const EvalArguments& arguments) {
  Outputs outputs;
  outputs.json_to_out = arguments.json == "-";
  if (!arguments.json.empty() && !outputs.json_to_out) {
    auto file = AtomicFile::create(arguments.json);
    if (!file) return forward(file);
    outputs.json.emplace(std::move(*file));
  }
  if (!arguments.reference_json.empty()) {
    if (arguments.models.size() > 1) return input_error("--reference-json holds one model; give one MODEL");
    auto file = AtomicFile::create(arguments.reference_json);
    if (!file) return forward(file);
    outputs.reference_json.emplace(std::move(*file));
  }
  return outputs;
}

/// Those by topic that have values: what needs dates has none without them, which is told where it was asked for by
/// name.
std::vector<const Metric*> metrics_with_values(const EvaluatedModels& evaluation, const EvalArguments& arguments,
                                               Console& console) {
  std::vector<const Metric*> shown = arguments.metrics_by_topic;
  for (const Metric& metric : dated_metrics()) {
    const auto has_value = [&](const Summary& summary) { return (summary.micro.*metric.of_summary).mean.has_value(); };
    if (std::ranges::any_of(evaluation.summaries, has_value) || std::erase(shown, &metric) == 0) continue;
    if (std::ranges::find(arguments.metrics, metric.name) == arguments.metrics.end()) continue;
    console.err << "hre: " << metric.name << " has no value: the dataset's metadata has no dates of answers\n";
  }
  return shown;
}

/// A run's JSON; --stats adds its speed.
std::string one_json(const EvaluatedModels& evaluation, size_t i, bool details, const std::vector<Speed>& speeds) {
  std::string text = run_json(evaluation.runs[i], evaluation.summaries[i], details, evaluation.clustered_of(i));
  if (speeds.empty()) return text;
  auto json = nlohmann::ordered_json::parse(text);
  json["speed"] = speed_json(speeds[i]);
  return json.dump(1) + "\n";
}

/// One run as an object, several as an array.
std::string all_json(const EvaluatedModels& evaluation, bool details, const std::vector<Speed>& speeds) {
  if (evaluation.runs.size() == 1) return one_json(evaluation, 0, details, speeds);
  std::string text = "[\n";
  for (size_t i = 0; i < evaluation.runs.size(); ++i) {
    text += (i == 0 ? "" : ",\n") + one_json(evaluation, i, details, speeds);
  }
  return text + "]\n";
}

std::string speeds_text(const EvaluatedModels& evaluation, const std::vector<Speed>& speeds, int width) {
  std::string text;
  for (size_t i = 0; i < speeds.size(); ++i) {
    const ModelDescription& model = evaluation.runs[i].model;
    text += wrapped(visible_line(model.name) + ", kernels: " + setting_of(model, "kernels") + '\n', width) +
            speed_text(speeds[i], width) + '\n';
  }
  return text;
}

Status write_outputs(const EvaluatedModels& evaluation, const EvalArguments& arguments,
                     const std::vector<Speed>& speeds, Outputs& outputs, Console& console) {
  if (evaluation.runs.empty()) {
    print_evaluation(evaluation, console);
    return {};
  }
  if (outputs.json_to_out) {
    console.out << all_json(evaluation, arguments.details, speeds) << std::flush;
    console.err << speeds_text(evaluation, speeds, console.width) << std::flush;
  } else {
    console.out << speeds_text(evaluation, speeds, console.width);
    print_evaluation(evaluation, console, metrics_with_values(evaluation, arguments, console));
  }
  if (outputs.json) {
    if (auto ok = outputs.json->commit(all_json(evaluation, arguments.details, speeds)); !ok) return ok;
  }
  if (outputs.reference_json) {
    return outputs.reference_json->commit(reference_json(evaluation.runs[0], evaluation.summaries[0]));
  }
  return {};
}

/// --gate: what the model is held against.
struct EvalGate {
  GatePolicy policy;
  Run baseline;
};

/// The policy and its baseline. The looks are at one mean over all questions, by the published score.
Result<EvalGate> open_gate(const EvalArguments& a) {
  auto file = read_gate_file(a.gate);
  if (!file) return forward(file);
  const GateRule& rule = file->policy.rules.front();
  if (file->policy.rules.size() > 1 || !rule.topics.empty() || rule.weights == Weights::kTopics ||
      rule.score.value_or(ScoreKind::kPerChar) != ScoreKind::kPerChar) {
    return input_error("stopping early needs one check over all questions by the published score", a.gate,
                       "hre gate checks whole runs by any policy");
  }
  if (!rule.metric->range) {
    auto unbounded = unbounded_error(*rule.metric);
    unbounded.value().where = a.gate;
    return unbounded;
  }
  if (a.models.size() != 1) return input_error("a gate is for one model; give one MODEL", "--gate");
  if (!a.until.empty()) return input_error("the gate says when to stop", "--until", "leave it out");
  if (file->baseline.empty()) return input_error("the policy names no baseline", a.gate, "write baseline = \"RUN\"");
  auto baseline = load_run(file->baseline, a.keeping.store);
  if (!baseline) return forward(baseline);
  if (!baseline->item_metric.empty()) return input_error("the baseline is a log of another harness", file->baseline);
  file->policy.looked = true;
  return EvalGate{file->policy, std::move(*baseline)};
}

/// --undefined fail
Status check_defined(const EvaluatedModels& evaluation) {
  for (const Run& run : evaluation.runs) {
    for (const QuestionResult& question : run.questions) {
      if (question.metrics.pearson) continue;
      const std::string why = question.problem.empty() ? "equal votes or equal scores" : question.problem;
      return fail(ErrorCode::kThreshold,
                  "question " + question_name(question.topic, question.id) + " has no correlation: " + why,
                  run.model.name, "--undefined leave-out counts such questions and leaves them out of the means");
    }
  }
  return {};
}

/// --stats: what each run did, and how near to this machine's limit.
std::vector<Speed> speeds_of(const EvaluatedModels& evaluation, int threads) {
  std::vector<Speed> speeds;
  const MachinePeak peak = measure_machine(threads > 0 ? threads : usable_cores());
  for (size_t i = 0; i < evaluation.runs.size(); ++i) {
    const RunTimes& times = evaluation.runs[i].times;
    speeds.push_back(
        {evaluation.work[i], times.plan_seconds, times.keep_seconds, times.plan_seconds + times.score_seconds, peak});
  }
  return speeds;
}

/// Whether --reference is to be evaluated: what can't be the name of a run or a JSON file.
bool is_model(const std::string& reference) {
  std::error_code problem;
  if (reference.ends_with(".json")) return false;  // of the hub too
  return reference.ends_with(".gguf") || std::filesystem::is_directory(reference, problem) ||
         std::ranges::any_of(std::initializer_list<const char*>{"hf:", "server:", "baseline:"},
                             [&](const char* kind) { return reference.starts_with(kind); });
}

/// What --reference asks to evaluate: a model, or each of the models without the question. It comes first, so that the
/// run that was asked for is the last one in the store.
Result<std::vector<Run>> evaluate_references(const EvalArguments& a, const Dataset& dataset, Console& console,
                                             ProgressListener& progress) {
  const bool no_question = a.score.reference == kNoQuestion;
  if (!no_question && !is_model(a.score.reference)) return std::vector<Run>();
  EvalOptions options = a.evaluating.eval;
  if (no_question) options.prompt = prompt_without_question(options.prompt);
  Keeping keeping = a.keeping;
  keeping.name.clear();
  EvaluatedModels evaluation = evaluate_models(no_question ? a.models : std::vector{a.score.reference}, dataset,
                                               a.evaluating.model, options, keeping, console, progress);
  if (!evaluation.failure) return forward(evaluation.failure);
  if (console.stop.stop_requested()) return fail(ErrorCode::kInterrupted, "interrupted while the reference was scored");
  return std::move(evaluation.runs);
}

/// --score and --reference.
Status apply_score(const ScoreOptions& score, const std::string& store, const std::vector<Run>& references,
                   EvaluatedModels& evaluation) {
  if (!score.any()) return {};
  if (references.empty()) {
    if (auto ok = score.apply(evaluation.runs, store); !ok) return ok;
  } else {
    for (Run& run : evaluation.runs) {
      const auto same = [&](const Run& reference) {
        return reference.model.source == run.model.source && reference.model.name == run.model.name;
      };
      const auto found = score.reference == kNoQuestion ? std::ranges::find_if(references, same) : references.begin();
      if (found == references.end())
        return fail(ErrorCode::kFailed, "the model without the question has no run", run.model.name);
      if (auto ok = refer_to(*found, false, run); !ok) return ok;
    }
    if (auto ok = score.apply_score(evaluation.runs); !ok) return ok;
  }
  for (size_t i = 0; i < evaluation.runs.size(); ++i) evaluation.summaries[i] = summarize(evaluation.runs[i]);
  return {};
}

/// The verdict, after the table.
Status gate_verdict(Run run, EvalGate& gate, const Outputs& outputs, Console& console) {
  auto report = run_gate(std::move(run), std::move(gate.baseline), gate.policy);
  if (!report) return forward(report);
  (outputs.json_to_out ? console.err : console.out) << '\n' << gate_text(*report, console.width) << std::flush;
  return gate_status(*report, console);
}

/// Where scoring ends: by --until, or by --gate, whose baseline and policy are put into `gate`, which the rule refers
/// to.
Result<std::optional<UntilOptions>> stopping_rule(const EvalArguments& arguments, std::optional<EvalGate>& gate) {
  auto until = parse_until(arguments.until);
  if (!until) return until;
  if (!arguments.gate.empty()) {
    auto opened = open_gate(arguments);
    if (!opened) return forward(opened);
    gate.emplace(std::move(*opened));
    const GateRule& rule = gate->policy.rules.front();
    until->emplace(UntilOptions{
        {}, UntilGate{&gate->baseline, rule.margin, gate->policy.level / 2, gate->policy.undefined}, rule.metric});
  }
  if (*until && arguments.score.any()) {
    return input_error("stopping early looks at the published score", gate ? "--gate" : "--until",
                       "leave out --score and --reference");
  }
  return until;
}

Status run_eval(EvalArguments arguments, Console& console) {
  EvalOptions& options = arguments.evaluating.eval;
  auto ranks = apply_scale(arguments.scale, arguments.models, arguments.evaluating.model, options);
  if (!ranks) return forward(ranks);
  if (ranks->helps()) return ranks->help(arguments.models, arguments.evaluating.model, console);
  if (auto ok = arguments.evaluating.finish(); !ok) return ok;
  auto metrics = find_metrics(arguments.metrics);
  if (!metrics) return forward(metrics);
  arguments.metrics_by_topic = std::move(*metrics);
  if (arguments.models.size() > 1 && !arguments.keeping.name.empty()) {
    return input_error("--name names one run; give one MODEL");
  }
  arguments.keeping.store = store_to_keep(arguments.keeping.store, console.err);
  arguments.keeping.reuse = !arguments.no_cache;
  std::optional<EvalGate> gate;
  const auto until = stopping_rule(arguments, gate);
  if (!until) return tl::unexpected<Error>(until.error());
  if (arguments.verify_weights) forget_fingerprints();
  auto outputs = open_outputs(arguments);
  if (!outputs) return forward(outputs);
  auto progress = make_progress(console, arguments.quiet);
  auto dataset = load_data_argument(arguments.data, *progress, console.stop);
  if (!dataset) return forward(dataset);
  if (!options.where.empty()) {
    if (auto ok = keep_questions_where(options.where, arguments.metadata, *dataset); !ok) return ok;
  }
  const bool are_listed = !arguments.scale.models_file.empty();  // then the others are evaluated all the same
  if (arguments.models.size() > 1 && !are_listed) {
    if (auto ok = check_models(arguments.models, arguments.evaluating.model, *progress, console.stop); !ok) return ok;
  }
  auto clusters = find_clusters(arguments.cluster, arguments.metadata, *dataset);
  if (!clusters) return forward(clusters);
  const auto references = evaluate_references(arguments, *dataset, console, *progress);
  if (!references) return tl::unexpected<Error>(references.error());
  EvaluatedModels evaluation = evaluate_models(arguments.models, *dataset, arguments.evaluating.model, options,
                                               arguments.keeping, console, *progress, *until);
  if (auto ok = apply_score(arguments.score, arguments.keeping.store, *references, evaluation); !ok) return ok;
  if (*clusters) {
    for (const Run& run : evaluation.runs) evaluation.clustered.push_back(clustered_value(run, **clusters));
  }
  const auto speeds =
      arguments.stats ? speeds_of(evaluation, arguments.evaluating.model.threads) : std::vector<Speed>();
  if (auto ok = write_outputs(evaluation, arguments, speeds, *outputs, console); !ok) return ok;
  if (console.stop.stop_requested()) {
    return fail(ErrorCode::kInterrupted, evaluation.runs.empty()
                                             ? "interrupted; nothing was scored yet"
                                             : "interrupted; the values are those of the finished questions");
  }
  if (evaluation.failure.has_value() && options.undefined == UndefinedPolicy::kFail) {
    if (auto ok = check_defined(evaluation); !ok) return ok;
  }
  if (gate && evaluation.failure) return gate_verdict(std::move(evaluation.runs.front()), *gate, *outputs, console);
  return evaluation.failure;
}

void define_results(CLI::App& app, EvalArguments& a) {
  app.add_option("--metrics", a.metrics,
                 "show these metrics by topic, separated by commas, and the means of the others; or all (default: a "
                 "summary of HumanRankEval, pairs in people's order and length)")
      ->type_name("NAME")
      ->delimiter(',')
      ->allow_extra_args(false);
  a.score.define(app, "RUN|MODEL|no-question");
  app.add_option("--json", a.json,
                 "write results as JSON (format hre-run/1); - writes to standard output instead of the table")
      ->type_name("FILE");
  app.add_flag("--details", a.details, "with --json: include every question and answer");
  app.add_flag("--keep-tokens", a.evaluating.eval.keep_tokens,
               "keep every token's log-probability and text, in the store and with --details");
  app.add_option("--reference-json", a.reference_json, "write the reference implementation's result file")
      ->type_name("FILE");
  app.add_flag("--stats", a.stats, "show where the time went, and how near this machine's limit; also added to --json");
  app.add_flag("--quiet", a.quiet, "no progress and no notes");
}

/// "5%" as a share; 5 is 5 % too.
std::string take_percent(std::string& text) {
  const std::string digits = text.ends_with('%') ? text.substr(0, text.size() - 1) : text;
  const auto percent = parse_finite_number(digits);
  if (!percent || *percent < 0 || *percent > 100) return "'" + text + "' is not a percentage from 0% to 100%";
  text = fmt::format("{}", *percent / 100);
  return "";
}

void define_keeping(CLI::App& app, EvalArguments& a) {
  add_store_option(app, a.keeping.store);
  app.add_option("--name", a.keeping.name,
                 "the run's name in the store (default: made from the names of model and dataset)")
      ->type_name("NAME");
  app.add_flag("--no-cache", a.no_cache, "score everything again, and replace the stored answers");
  app.add_option("--recheck", a.keeping.recheck, "score N% of the stored answers again; they must be equal")
      ->type_name("N%")
      ->transform(CLI::Validator(take_percent, ""));
  app.add_flag("--verify-weights", a.verify_weights,
               "read models' files again for their content hashes, instead of trusting size, times and inode");
  app.add_flag("--explain", a.keeping.explain, "say how many questions were reused, and why the others were not");
}

void define_selection(CLI::App& app, EvalArguments& a) {
  define_where(app, a.evaluating.eval.where, a.metadata);
  define_cluster(app, a.cluster);
  define_until(app, a.until);
  app.add_option(
         "--gate", a.gate,
         "hold the model against the baseline of a policy (docs/ci.md), stop as soon as the verdict is certain, "
         "and end with it: status 0, 3 if it fails, 4 if it is inconclusive")
      ->type_name("FILE");
}

}  // namespace

Action define_eval(CLI::App& app) {
  auto arguments = std::make_shared<EvalArguments>();
  app.add_option("MODEL", arguments->models,
                 "a .gguf file, a checkpoint folder, hf:ORG/REPO[/FILE] on the hub, server:URL, baseline:length or "
                 "baseline:zstd; several models are shown side by side")
      ->type_name("");
  define_data(app, arguments->data);
  arguments->evaluating.define(app);
  define_selection(app, *arguments);
  add_choice(app, "--undefined", arguments->evaluating.eval.undefined, kUndefinedOrFail,
             "questions without a correlation: leave-out (default), zero (count them as 0), fail (status 3)");
  define_scale(app, arguments->scale);
  define_results(app, *arguments);
  define_keeping(app, *arguments);
  return [arguments](Console& console) { return run_eval(*arguments, console); };
}

}  // namespace hre::cli
