/// hre confounds: what else could explain a run's value, and a hint of contamination.

#include <CLI/CLI.hpp>
#include <memory>
#include <ostream>

#include "cli/comparing.h"
#include "cli/run_argument.h"
#include "cli/score_option.h"
#include "cli/store_argument.h"
#include "cli/where_options.h"
#include "eval/where.h"
#include "report/confounds_text.h"

namespace hre::cli {
namespace {

struct ConfoundsArguments {
  std::vector<std::string> runs, where;
  std::string metadata, json, store, older;
  double share = 0.2;
  ScoreOptions score;
};

/// Counts of votes, where they are known of every answer and their difference is the dataset's vote.
VoteCounts counts_of(const data::QuestionMetadata& metadata, const std::vector<AnswerResult>& answers) {
  VoteCounts counts;
  if (metadata.answers_counts.size() != answers.size()) return {};
  for (size_t i = 0; i < answers.size(); ++i) {
    const auto& both = metadata.answers_counts[i];
    if (!both || static_cast<double>(both->first - both->second) != answers[i].votes) return {};
    counts.up.push_back(both->first);
    counts.down.push_back(both->second);
  }
  return counts;
}

/// What the metadata says of a run's questions; empty where there is none.
Result<std::vector<PostingFacts>> facts_of(const Run& run, const std::string& named) {
  auto metadata = metadata_of(named, run.dataset_source);
  if (!metadata) return forward(metadata);
  if (auto ok = check_metadata(*metadata, run.questions); !ok) return forward(ok);
  std::vector<PostingFacts> facts;
  if (metadata->empty()) return facts;
  for (const QuestionResult& question : run.questions) {
    const auto found = metadata->find({question.topic, question.id});
    facts.emplace_back();
    if (found == metadata->end()) continue;
    facts.back() = {found->second.created, found->second.answers_created, counts_of(found->second, question.answers)};
  }
  return facts;
}

Status run_confounds_command(const ConfoundsArguments& arguments, Console& console) {
  auto runs = load_runs(arguments.runs, arguments.store);
  if (!runs) return forward(runs);
  if (auto ok = arguments.score.apply(*runs, arguments.store); !ok) return ok;
  std::vector<Run> older;
  if (!arguments.older.empty()) {
    if (runs->size() > 1) return input_error("--older is compared with one run; give one RUN");
    auto loaded = load_runs({arguments.older}, arguments.store);
    if (!loaded) return forward(loaded);
    if (loaded->size() > 1) return input_error("--older is one run, and this file has several", arguments.older);
    if (auto ok = arguments.score.apply(*loaded, arguments.store); !ok) return ok;
    older = std::move(*loaded);
  }
  std::vector<RunConfounds> all;
  std::string text;
  for (Run& run : *runs) {
    if (!arguments.where.empty()) {
      if (auto ok = keep_questions_where(arguments.where, arguments.metadata, run); !ok) return ok;
    }
    auto facts = facts_of(run, arguments.metadata);
    if (!facts) return forward(facts);
    all.push_back(run_confounds(run, *facts, arguments.share));
    if (!older.empty()) {
      auto difference = dataset_difference(run, older.front());
      if (!difference) return forward(difference);
      all.back().older = std::move(*difference);
    }
    text += (text.empty() ? "" : "\n") + confounds_text(run, all.back(), console.width);
  }
  return write_result(arguments.json, confounds_json(*runs, all, arguments.share), text, console);
}

}  // namespace

Action define_confounds(CLI::App& app) {
  auto a = std::make_shared<ConfoundsArguments>();
  app.add_option("RUN", a->runs, kRunHelp)->required()->type_name("");
  define_where(app, a->where, a->metadata);
  a->score.define(app);
  add_store_option(app, a->store);
  app.add_option("--older", a->older,
                 "a run of the same model on a dataset of older questions: by how much its value differs")
      ->type_name("RUN");
  app.add_option("--min-k", a->share, "the share of tokens, the least likely ones, that Min-K% averages (default 0.2)")
      ->type_name("SHARE")
      ->check(CLI::Range(0.001, 1.0).description(""));
  app.add_option("--json", a->json, "write the result as JSON (format hre-confounds/1); - for standard output")
      ->type_name("FILE");
  return [a](Console& console) { return run_confounds_command(*a, console); };
}

}  // namespace hre::cli
