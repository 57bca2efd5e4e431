#include "cli/evaluation.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <ostream>

#include "analysis/confounds.h"
#include "analysis/notes.h"
#include "analysis/shared_questions.h"
#include "cli/hub_argument.h"
#include "cli/speed_text.h"
#include "cli/terminal.h"
#include "core/text.h"
#include "core/visible.h"
#include "eval/shard.h"
#include "model/crew/crew.h"
#include "model/mpi/world.h"
#include "report/comparison_table.h"
#include "report/run_table.h"

namespace hre::cli {
namespace {

std::string title(const Run& run, const Summary& summary) {
  std::string text = run.model.name;
  if (run.model.parameters > 0) {
    text += fmt::format(" ({}, {} parameters, {})", run.model.architecture,
                        size_text(static_cast<double>(run.model.parameters)), run.model.file_type);
  }
  text += fmt::format(" on {}: {} in {}", run.dataset_name, counted(summary.questions, "question"),
                      counted(static_cast<int64_t>(summary.topics.size()), "topic"));
  if (run.partial()) text += fmt::format(", PARTIAL: {} of {} done", run.questions.size(), run.planned);
  return text;
}

/// What part the answers' length has in the value.
std::string length_control(const Summary& summary) {
  const LengthParts& parts = summary.micro_length;
  std::string text = "  length alone: " + with_interval(summary.micro.length_only);
  if (!parts.through.mean) return text;
  return text + fmt::format("\n  the value as a sum: {} through length + {} beyond length",
                            with_interval(parts.through), with_interval(parts.beyond));
}

std::string headline(const Run& run, const Summary& summary) {
  const Estimate& value = summary.micro.pearson;
  if (!value.mean)
    return fmt::format("{}: HumanRankEval is undefined: no question has a correlation", visible_line(run.model.name));
  std::string text = fmt::format("{}: HumanRankEval {:.4f}", visible_line(run.model.name), *value.mean);
  if (value.ci_low && value.ci_high)
    text += fmt::format(", 95 % interval [{:.4f}, {:.4f}]", *value.ci_low, *value.ci_high);
  text += fmt::format(" (micro average of Pearson's r over {}", counted(value.n, "question"));
  if (value.undefined > 0) text += fmt::format(", {} undefined", value.undefined);
  text += ")";
  if (value.bootstrap_low && value.bootstrap_high) {
    text += fmt::format("\n  by bootstrap over questions within topics: [{:.4f}, {:.4f}]", *value.bootstrap_low,
                        *value.bootstrap_high);
  }
  return text + '\n' + length_control(summary);
}

/// That a run is not kept is said even where notes are not wanted.
void say_what_is_kept(const Run& run, const Keeping& keeping, Console& console) {
  if (keeping.explain) {
    for (const std::string& line : run.explanation)
      console.err << "hre: " << visible_line(run.model.name + ": " + line) << '\n';
  }
  if (run.not_kept) console.err << "hre: this run is not kept: " << message_line(run.not_kept->text()) << '\n';
}

void note_speed(const Run& run, ProgressListener& progress) {
  if (run.times.positions == 0) return;
  const double seconds = std::max(1e-9, run.times.score_seconds);
  progress.note(
      fmt::format("{}: scored {} in {}, {:.3g} tokens/s; {:.2f} times fewer tokens because prompts are computed once",
                  run.model.name, counted(static_cast<int64_t>(run.questions.size()) - run.times.reused, "question"),
                  format_seconds(seconds), static_cast<double>(run.times.positions) / seconds,
                  static_cast<double>(run.times.positions_unshared) / static_cast<double>(run.times.positions)));
}

Result<Run> evaluate_model(const Dataset& dataset, Scorer& model, const EvalOptions& options, const Keeping& keeping,
                           const std::optional<UntilOptions>& until, ProgressListener& progress,
                           const std::stop_token& stop) {
  if (!until) return evaluate(dataset, model, options, progress, stop, keeping);
  Scorer* const scorers[] = {&model};
  auto runs = evaluate_until(dataset, scorers, options, *until, progress, stop, keeping);
  if (!runs) return forward(runs);
  return std::move(runs->front());
}

/// What stopping early saved.
std::string stopping(const Run& run) {
  const EarlyStop& stop = *run.early_stop;
  const auto used = static_cast<int64_t>(run.questions.size());
  const std::string interval = fmt::format("[{:.4f}, {:.4f}]", stop.low.value_or(0), stop.high.value_or(0));
  if (!stop.reached) {
    return fmt::format("  {} was not reached with {} questions: {} at the last look, valid at every look", stop.rule,
                       used, interval);
  }
  return fmt::format(
      "  stopped at {} after {} of {} questions ({:.0f} % saved): {}, valid at every look; the other intervals "
      "assume\n  a fixed number of questions",
      stop.rule, used, run.planned, 100 * (1 - static_cast<double>(used) / static_cast<double>(run.planned)), interval);
}

EngineOptions with_server(EngineOptions options, const Console& console, ProgressListener& progress) {
  options.server.note = [&progress](const std::string& message) { progress.note(message); };
  options.server.stop = console.stop;
  return options;
}

/// A server's tokenizer is waited for, not computed here: more threads than cores ask it.
EvalOptions for_source(EvalOptions options, const std::string& source) {
  constexpr int kAskers = 32;
  if (source.starts_with("server:")) options.plan_threads = kAskers;
  return options;
}

/// Which models failed, and why, under the values of the others.
void print_failed(const Evaluation& evaluation, Console& console) {
  size_t widest = 5;
  for (const FailedModel& model : evaluation.failed)
    widest = std::max(widest, static_cast<size_t>(display_width(visible_line(model.source))));
  console.out << fmt::format("\n{} failed:\n", counted(static_cast<int64_t>(evaluation.failed.size()), "model"));
  for (const FailedModel& model : evaluation.failed) {
    const std::string source = visible_line(model.source);
    const std::string gap(widest - static_cast<size_t>(display_width(source)), ' ');
    const bool says_which = model.why.starts_with(source + ": ");
    console.out << fmt::format("  {}{}  {}\n", source, gap,
                               says_which ? model.why.substr(source.size() + 2) : model.why);
  }
}

}  // namespace

Evaluation evaluate_models(const std::vector<std::string>& models, const Dataset& dataset,
                           const EngineOptions& model_options, const EvalOptions& options, const Keeping& keeping,
                           Console& console, ProgressListener& progress, const std::optional<UntilOptions>& until) {
  Evaluation evaluation;
  const auto failed = [&](const std::string& source, const Error& error) {
    evaluation.failed.push_back({source, message_line(error.text())});
    if (evaluation.failure) evaluation.failure = tl::unexpected<Error>(error);
    if (models.size() > 1) console.err << "hre: " << message_line(error.text()) << '\n';
  };
  const bool several_ranks = mpi::world().size > 1;
  for (const std::string& source : models) {
    if (console.stop.stop_requested()) break;
    std::optional<mpi::Team> team;  // its end is the model's end for all ranks
    if (several_ranks) team.emplace();
    auto model = open_model_argument(source, options_of(source, models, with_server(model_options, console, progress)),
                                     progress, console.stop);
    if (!model) {
      failed(source, model.error());
      continue;
    }
    const ModelDescription& description = (*model)->describe();
    if (description.context_length > 0 && model_options.max_length > description.context_length) {
      progress.note(fmt::format("{} was made for at most {} tokens; --max-length {} is longer", description.name,
                                description.context_length, model_options.max_length));
    }
    if (team) {
      const auto note = [&progress](const std::string& message) { progress.note(message); };
      model = score_by_crew(std::move(*model), team->crew_maker(description, note, console.stop), note);
    }
    const EngineWork before = engine_work();
    auto run = evaluate_model(dataset, **model, for_source(options, source), keeping, until, progress, console.stop);
    if (!run) {
      failed(source, run.error());
      continue;
    }
    if (run->failure) failed(source, *run->failure);
    if (options.shard) {
      auto shard = describe_shard(dataset, options, run->questions);
      if (shard) run->shard = std::move(*shard);
    }
    evaluation.work.push_back(engine_work() -= before);
    say_what_is_kept(*run, keeping, console);
    note_speed(*run, progress);
    if (run->questions.empty() && run->partial()) {  // stopped before its first question: nothing to show
      evaluation.work.pop_back();
      continue;
    }
    evaluation.summaries.push_back(summarize(*run));
    evaluation.runs.push_back(std::move(*run));
  }
  return evaluation;
}

EngineOptions options_of(const std::string& source, const std::vector<std::string>& models,
                         const EngineOptions& options) {
  const auto is_of_process = [](const std::string& model) {
    return !model.starts_with("baseline:") && !model.starts_with("server:");
  };
  const bool beside_others = std::ranges::any_of(
      models, [&](const std::string& model) { return is_of_process(model) != is_of_process(source); });
  if (is_of_process(source) || !beside_others) return options;
  EngineOptions own;
  own.threads = options.threads;
  if (source.starts_with("server:")) {
    own.bos = options.bos;
    own.max_length = options.max_length;
    own.long_answers = options.long_answers;
  }
  own.workers = options.workers;
  own.server = options.server;
  return own;
}

void print_evaluation(const Evaluation& evaluation, Console& console,
                      const std::vector<const Metric*>& metrics_by_topic) {
  if (evaluation.runs.empty()) {
    if (evaluation.failed.size() > 1) print_failed(evaluation, console);
    return;
  }
  for (size_t i = 0; i < evaluation.runs.size(); ++i) {
    console.out << visible_line(title(evaluation.runs[i], evaluation.summaries[i])) << '\n';
  }
  console.out << '\n' << run_table(evaluation.runs, evaluation.summaries, console.width, metrics_by_topic) << '\n';
  for (size_t i = 0; i < evaluation.runs.size(); ++i) {
    console.out << headline(evaluation.runs[i], evaluation.summaries[i]) << '\n';
    if (evaluation.runs[i].early_stop) console.out << stopping(evaluation.runs[i]) << '\n';
  }
  // The votes are the same for all models.
  const auto ceiling = console.stop.stop_requested() ? std::nullopt : run_ceiling(evaluation.runs.front());
  if (const auto note = ceiling ? ceiling_note(*ceiling) : std::nullopt) console.out << *note << '\n';
  for (const std::string& note : notes_of(pointers_to(evaluation.runs))) console.out << visible_line(note) << '\n';
  if (evaluation.runs.size() + evaluation.failed.size() > 1 && !evaluation.failed.empty())
    print_failed(evaluation, console);
  console.out << std::flush;
}

}  // namespace hre::cli
