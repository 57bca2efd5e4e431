#include "cli/evaluation.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <ostream>
#include <set>

#include "analysis/confounds.h"
#include "analysis/notes.h"
#include "analysis/shared_questions.h"
#include "cli/speed_text.h"
#include "cli/terminal.h"
#include "core/files.h"
#include "core/text.h"
#include "core/visible.h"
#include "eval/shard.h"
#include "hre/hub.h"
#include "hub/open.h"
#include "model/crew/crew.h"
#include "model/mpi/world.h"
#include "report/comparison_table.h"
#include "report/number_text.h"
#include "report/run_table.h"

namespace hre::cli {
namespace {

/// What was evaluated: "hre-base (llama, 1.5 M parameters, Q8_0) on sample: 112 questions in 14 topics".
std::string title(const std::vector<Run>& runs, const std::vector<Summary>& summaries) {
  const Run& run = runs.front();
  std::string text = run.model.name;
  if (runs.size() > 1) {
    text = counted(static_cast<int64_t>(runs.size()), "model");
  } else if (run.model.parameters > 0) {
    text += fmt::format(" ({}, {} parameters, {})", run.model.architecture,
                        size_text(static_cast<double>(run.model.parameters)), run.model.file_type);
  }
  text += fmt::format(" on {}: {} in {}", run.dataset_name, counted(summaries.front().questions, "question"),
                      counted(static_cast<int64_t>(summaries.front().topics.size()), "topic"));
  if (runs.size() == 1 && run.partial())
    text += fmt::format(", PARTIAL: {} of {} done", run.questions.size(), run.planned);
  return visible_line(text) + '\n';
}

std::string headline(const Run& run, const Summary& summary) {
  const Estimate& value = summary.micro.pearson;
  const std::string name = visible_line(run.model.name);
  if (!value.mean) return name + ": no HumanRankEval value, because no question has a correlation\n";
  std::string text = name + ": HumanRankEval " + with_error(value);
  if (value.ci_low && value.ci_high) text += ", 95 % interval " + interval_text({*value.ci_low, *value.ci_high});
  return text + " (mean of Pearson's r over " + counted(value.n, "question") + ")\n";
}

/// That a run is not kept is said even where notes are not wanted.
void say_what_is_kept(const Run& run, const Keeping& keeping, Console& console) {
  if (keeping.explain) {
    for (const std::string& line : run.explanation)
      console.err << message_text(run.model.name + ": " + line, console.err_is_terminal);
  }
  if (run.not_kept)
    console.err << message_text("this run is not kept: " + run.not_kept->text(), console.err_is_terminal);
}

void note_speed(const Run& run, ProgressListener& progress) {
  if (run.times.positions == 0) return;
  const double seconds = std::max(1e-9, run.times.score_seconds);
  const double shared = static_cast<double>(run.times.positions_unshared) / static_cast<double>(run.times.positions);
  progress.note(fmt::format(
      "{}: scored {} in {}, {} tokens/s{}", run.model.name,
      counted(static_cast<int64_t>(run.questions.size()) - run.times.reused, "question"), format_seconds(seconds),
      format_rate(static_cast<double>(run.times.positions) / seconds),
      shared > 1 ? fmt::format("; {:.2f} times fewer tokens because prompts are computed once", shared) : ""));
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

/// That a run went on to its end; of one that stopped early, its notes tell.
std::string not_reached(const Run& run) {
  const EarlyStop& stop = *run.early_stop;
  return fmt::format("{} was not reached with {} questions: {} at the last look, valid at every look\n", stop.rule,
                     run.questions.size(), interval_text({stop.low.value_or(0), stop.high.value_or(0)}));
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

/// Which models failed, and why.
std::string failed_models(const EvaluatedModels& evaluation) {
  int widest = 5;
  for (const FailedModel& model : evaluation.failed)
    widest = std::max(widest, display_width(visible_line(model.source)));
  std::string text = counted(static_cast<int64_t>(evaluation.failed.size()), "model") + " failed:\n";
  for (const FailedModel& model : evaluation.failed) {
    const std::string source = visible_line(model.source);
    const std::string gap(static_cast<size_t>(widest - display_width(source)), ' ');
    const bool says_which = model.why.starts_with(source + ": ");
    text += fmt::format("  {}{}  {}\n", source, gap, says_which ? model.why.substr(source.size() + 2) : model.why);
  }
  return text;
}

/// See check_models().
Status check_model(const std::string& source, const std::vector<std::string>& models, const EngineOptions& options,
                   ProgressListener& progress, const std::stop_token& stop) {
  if (source.starts_with("server:") || is_hub_name(source) || path_exists(source)) return {};
  auto opened = open_model_argument(source, cli::options_of(source, models, options), progress, stop);
  return opened ? Status() : forward(opened);
}

}  // namespace

Status check_models(const std::vector<std::string>& models, const EngineOptions& options, ProgressListener& progress,
                    const std::stop_token& stop) {
  for (const std::string& source : models) {
    if (auto ok = check_model(source, models, options, progress, stop); !ok) return ok;
  }
  return {};
}

EvaluatedModels evaluate_models(const std::vector<std::string>& models, const Dataset& dataset,
                                const EngineOptions& model_options, const EvalOptions& options, const Keeping& keeping,
                                Console& console, ProgressListener& progress,
                                const std::optional<UntilOptions>& until) {
  EvaluatedModels evaluation;
  const auto failed = [&](const std::string& source, const Error& error) {
    evaluation.failed.push_back({source, message_line(error.text())});
    if (evaluation.failure) evaluation.failure = tl::unexpected<Error>(error);
    if (models.size() > 1) console.err << message_text(error.text(), console.err_is_terminal);
  };
  const bool several_ranks = mpi::world().size > 1;
  std::set<std::string> missing;
  for (const std::string& source : models) {
    auto ok = check_model(source, models, model_options, progress, console.stop);
    if (ok) continue;
    missing.insert(source);
    failed(source, ok.error());  // said before the first evaluation, which may take hours
  }
  for (const std::string& source : models) {
    if (console.stop.stop_requested()) break;
    if (missing.contains(source)) continue;
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

void print_evaluation(const EvaluatedModels& evaluation, Console& console,
                      const std::vector<const Metric*>& metrics_by_topic) {
  const std::vector<Run>& runs = evaluation.runs;
  const std::vector<Summary>& summaries = evaluation.summaries;
  if (runs.empty()) {
    if (evaluation.failed.size() > 1) console.print(failed_models(evaluation));
    return;
  }
  const bool is_one = runs.size() == 1;
  std::string tables, sentences;
  if (!metrics_by_topic.empty()) {
    tables = metrics_tables(runs, summaries, console.width, metrics_by_topic);
  } else if (is_one) {
    tables = summary_table(runs, summaries, console.width);
  }
  for (size_t i = 0; i < runs.size(); ++i) {
    const std::string name = is_one ? "" : visible_line(runs[i].model.name) + ": ";
    for (const std::string& sentence :
         {undefined_sentence(runs[i], summaries[i]), is_one ? length_sentence(summaries[i].micro_length) : "",
          runs[i].early_stop && !runs[i].early_stop->reached ? not_reached(runs[i]) : ""}) {
      if (!sentence.empty()) sentences += name + sentence;
    }
    if (const ClusteredValue* clustered = evaluation.clustered_of(i)) sentences += clustered_text(*clustered, name);
  }
  // The votes are the same for all models.
  const auto ceiling = console.stop.stop_requested() ? std::nullopt : run_ceiling(runs.front());
  if (const auto note = ceiling ? ceiling_note(*ceiling) : std::nullopt) sentences += *note + '\n';
  for (const std::string& note : notes_of(pointers_to(runs))) sentences += visible_line(note) + '\n';
  const std::string failed =
      evaluation.failed.empty() || runs.size() + evaluation.failed.size() == 1 ? "" : failed_models(evaluation);
  // The values come last, where people look.
  const std::string values =
      is_one ? headline(runs.front(), summaries.front()) : summary_table(runs, summaries, console.width);
  std::string text;
  for (const std::string& part : {title(runs, summaries), tables, sentences, failed, values}) {
    if (!part.empty()) text += (text.empty() ? "" : "\n") + part;
  }
  console.print(text);
  console.out << std::flush;
}

}  // namespace hre::cli
