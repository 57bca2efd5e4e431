#include "cli/checkpoint_evaluator.h"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <filesystem>
#include <ostream>
#include <set>

#include "analysis/gate_file.h"
#include "analysis/option_names.h"
#include "analysis/training.h"
#include "cli/choice.h"
#include "cli/evaluation.h"
#include "cli/run_argument.h"
#include "cli/store_argument.h"
#include "cli/terminal.h"
#include "cli/where_options.h"
#include "core/files.h"
#include "core/stop_after.h"
#include "eval/where.h"
#include "hre/store.h"
#include "hub/open.h"
#include "report/write_report.h"

namespace hre::cli {

namespace fs = std::filesystem;
using service::FoundCheckpoint;
using service::WatchLine;
using std::chrono::milliseconds;

milliseconds seconds(double n) { return milliseconds(static_cast<int64_t>(std::min(n, 1e9) * 1000)); }

void Notices::say(const std::string& message) {
  console_.err << message_text(message, console_.err_is_terminal) << std::flush;
}

void Notices::say_once(const std::string& about, const std::string& message) {
  std::string& said = said_[about];
  if (said != message) say(message);
  said = message;
}

std::string name_below(const std::vector<std::string>& folders, const std::string& path) {
  for (const std::string& folder : folders) {
    auto relative = fs::path(path).lexically_relative(folder).string();
    if (relative == ".") return path;
    if (!relative.empty() && !relative.starts_with("..")) return relative;
  }
  return path;
}

Result<std::optional<CheckpointGate>> open_checkpoint_gate(const std::string& path, const std::string& store) {
  if (path.empty()) return std::optional<CheckpointGate>();
  auto file = read_gate_file(path);
  if (!file) return forward(file);
  if (file->baseline.empty()) return input_error("the policy names no baseline", path, "write baseline = \"RUN\"");
  auto baseline = load_run(file->baseline, store);
  if (!baseline) return forward(baseline);
  if (baseline->partial()) return input_error("the baseline is partial", file->baseline);
  return std::optional(CheckpointGate{file->policy, std::move(*baseline)});
}

void CheckpointOptions::define(CLI::App& app, const std::string& page_help) {
  define_data(app, data);
  evaluating.define(app);
  define_where(app, evaluating.eval.where, metadata);
  define_until(app, until_text);
  add_choice(app, "--undefined", evaluating.eval.undefined, kUndefinedPolicies,
             "questions without a correlation: leave-out (default), zero (count them as 0)");
  app.add_flag("--keep-tokens", evaluating.eval.keep_tokens,
               "keep every token's log-probability and text in the store");
  app.add_option("--gate", gate, "also hold each checkpoint against the baseline of a policy (docs/ci.md)")
      ->type_name("FILE");
  app.add_option("--page", page, page_help)->type_name("DIR");
  app.add_flag("--keep-converted", keep_converted, "leave converted checkpoints in the cache");
  add_store_option(app, store);
  app.add_flag("--quiet", quiet, "no progress and no notes");
}

Status CheckpointOptions::finish(const std::string& what, Console& console) {
  if (auto ok = evaluating.finish(); !ok) return ok;
  auto parsed = parse_until(until_text);
  if (!parsed) return forward(parsed);
  until = *parsed;
  store = store_to_keep(store, console.err);
  if (store.empty()) {
    return input_error(what + " keeps its runs, for comparisons and restarts", "--store", "give --store FILE");
  }
  return {};
}

Result<Dataset> CheckpointOptions::load_dataset(ProgressListener& progress, Console& console) const {
  auto dataset = load_data_argument(data, progress, console.stop);
  if (!dataset || evaluating.eval.where.empty()) return dataset;
  if (auto ok = keep_questions_where(evaluating.eval.where, metadata, *dataset); !ok) return forward(ok);
  return dataset;
}

CheckpointEvaluator::CheckpointEvaluator(const CheckpointOptions& options, Dataset dataset,
                                         std::optional<CheckpointGate> gate, std::string owner,
                                         std::function<std::string(const std::string&)> name_of, Notices& notices,
                                         Console& console)
    : options_(options),
      dataset_(std::move(dataset)),
      gate_(std::move(gate)),
      name_of_(std::move(name_of)),
      notices_(notices),
      console_(console),
      converted_(std::move(owner)) {}

Result<CheckpointResult> CheckpointEvaluator::evaluate(const FoundCheckpoint& checkpoint, const EvalOptions& eval,
                                                       std::optional<double> time_limit, const std::stop_token& stop,
                                                       ProgressListener& progress) {
  const auto begin = std::chrono::steady_clock::now();
  const std::string& path = checkpoint.path;
  const bool is_folder = hre::is_folder(path);
  if (is_folder && !options_.keep_converted) {
    if (auto ok = converted_.claim(path, progress, stop); !ok) progress.note(ok.error().text());
  }
  StopAfter limit(stop, time_limit ? std::optional(seconds(*time_limit)) : std::nullopt);
  Console inner = console_;
  inner.stop = limit.token();
  Keeping keeping;
  keeping.store = options_.store;
  EvaluatedModels evaluation =
      evaluate_models({path}, dataset_, options_.evaluating.model, eval, keeping, inner, progress, options_.until);
  const bool is_late = limit.is_over();
  if (stop.stop_requested()) {
    return fail(ErrorCode::kInterrupted, "interrupted; the answers scored so far are kept");
  }
  if (is_folder) converted_.release();
  if (!evaluation.failure || evaluation.runs.empty()) {
    if (is_late) return input_error("nothing was scored within the time limit");
    if (evaluation.failure) return input_error("nothing was scored");
    return forward(evaluation.failure);
  }
  CheckpointResult result{.checkpoint = checkpoint, .status = "evaluated"};
  result.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
  result.run = std::move(evaluation.runs.front());
  result.summary = std::move(evaluation.summaries.front());
  return result;
}

bool CheckpointEvaluator::has_changed(const FoundCheckpoint& checkpoint) {
  const auto now = service::find_checkpoint(checkpoint.path);
  return now && *now && (*now)->identity != checkpoint.identity;
}

Result<Run> CheckpointEvaluator::load(const WatchLine& line) {
  auto store = RunStore::open(options_.store);
  if (!store) return forward(store);
  auto run = store->load(line.run);
  if (run) add_dates(*run);
  return run;
}

/// Nothing where the earlier run is gone, or can't be compared; that is said.
std::optional<SinceCheckpoint> CheckpointEvaluator::since(const Run& run, const WatchLine& earlier) {
  const auto complain = [&](const Error& error) {
    notices_.say_once("since " + earlier.path,
                      "there is no difference to " + name_of_(earlier.path) + ": " + error.text());
    return std::nullopt;
  };
  auto before = load(earlier);
  if (!before) return complain(before.error());
  CompareOptions options;
  options.statistics.threads = options_.evaluating.model.threads;
  const Run* const both[] = {&run, &*before};
  auto comparison = compare_runs(both, options);
  if (!comparison) return complain(comparison.error());
  return SinceCheckpoint{earlier.path, earlier.step, comparison->pairs.front().comparison};
}

void CheckpointEvaluator::compare(CheckpointResult& result, std::span<const WatchLine> earlier) {
  const WatchLine *first = nullptr, *last = nullptr, *best = nullptr;
  for (const WatchLine& line : earlier) {
    if (line.status != "evaluated" || line.training != result.checkpoint.training || line.run.empty() || !line.value)
      continue;
    if (first == nullptr) first = &line;
    last = &line;
    if (best == nullptr || *line.value > *best->value) best = &line;
  }
  const auto value = result.summary->micro.pearson.mean;
  result.is_best = value && (best == nullptr || *value > *best->value);
  std::map<const WatchLine*, std::optional<SinceCheckpoint>> differences;  // often one line is several of these
  for (const WatchLine* line : {first, last, best}) {
    if (line != nullptr && !differences.contains(line)) differences.emplace(line, since(*result.run, *line));
  }
  if (first != nullptr) result.first = differences[first];
  if (last != nullptr) result.last = differences[last];
  if (best != nullptr) result.best = differences[best];
  if (!gate_ || result.run->partial()) return;
  auto report = run_gate(*result.run, gate_->baseline, gate_->policy);
  if (report) {
    result.gate = gate_verdict_name(report->verdict);
  } else {
    notices_.say_once("gate", "there is no verdict of the gate: " + report.error().text());
  }
}

Result<const CheckpointEvaluator::PagePoint*> CheckpointEvaluator::page_point(const WatchLine& line) {
  if (const auto found = page_points_.find(line.run); found != page_points_.end()) return &found->second;
  auto run = load(line);
  if (!run) return forward(run);
  PagePoint point;
  point.summary = summarize(*run);
  point.by_question = values_by_question(*run, all_metrics().front());
  run->questions.clear();
  run->questions.shrink_to_fit();
  point.run = std::move(*run);
  return &page_points_.emplace(line.run, std::move(point)).first->second;
}

/// Of the last one's training, the first, the best, the last and the one before stand there with their questions, side
/// by side; of the others only means: all of them would not fit into a browser.
Status CheckpointEvaluator::write_page(std::span<const WatchLine> all, bool others_wait) {
  const auto begin = std::chrono::steady_clock::now();
  if (options_.page.empty() || !page_is_old_ || (others_wait && begin - page_written_ < std::chrono::minutes(1)))
    return {};
  page_is_old_ = false;
  page_written_ = begin;
  std::vector<const WatchLine*> lines;
  for (const WatchLine& line : all) {
    if (line.status == "evaluated" && !line.run.empty()) lines.push_back(&line);
  }
  std::vector<Run> runs;
  std::vector<std::optional<Summary>> means;
  std::vector<TrainingPoint> points;
  const auto complain = [&](const Error& error) -> Status {
    if (console_.stop.stop_requested()) return fail(ErrorCode::kInterrupted, "interrupted; no page was written");
    notices_.say_once("page", "the page could not be written: " + error.text());
    return {};
  };
  std::set<const WatchLine*> whole;
  const WatchLine* best = nullptr;
  for (const WatchLine* line : lines) {
    if (line->training != lines.back()->training) continue;
    if (whole.empty()) whole.insert(line);
    if (line->value && (best == nullptr || *line->value > *best->value)) best = line;
  }
  if (best != nullptr) whole.insert(best);
  for (size_t i = lines.size(); i-- > 0 && i + 2 >= lines.size();) whole.insert(lines[i]);
  for (const WatchLine* line : lines) {
    auto point = page_point(*line);
    if (!point) {
      notices_.say_once("page " + line->path,
                        "the page is without " + name_of_(line->path) + ": " + point.error().text());
      continue;
    }
    if (line->step) {
      points.push_back({fs::path(line->training).filename().string(), *line->step, runs.size(),
                        (*point)->summary.micro.pearson.mean, (*point)->by_question});
    }
    if (whole.contains(line)) {
      auto run = load(*line);
      if (!run) return complain(run.error());
      runs.push_back(std::move(*run));
    } else {
      runs.push_back((*point)->run);
    }
    runs.back().model.name = name_of_(line->path);  // "step-5/model.gguf" tells more than "model"
    means.emplace_back((*point)->summary);
  }
  if (runs.empty()) return {};
  CompareOptions options;
  options.allow_different = true;
  options.statistics.threads = options_.evaluating.model.threads;
  auto data = report_data(std::move(runs), dataset_, std::move(means), options);
  if (!data) return complain(data.error());
  data->trainings = find_trainings(std::move(points), data->metrics.front());
  SilentProgress silent;
  auto written = write_report(*data, std::nullopt, options_.page, silent, console_.stop);
  if (!written) return complain(written.error());
  notices_.forget("page");
  return {};
}

}  // namespace hre::cli
