#include "cli/score_option.h"

#include <CLI/CLI.hpp>
#include <algorithm>

#include "analysis/scores.h"
#include "cli/choice.h"
#include "cli/run_argument.h"
#include "cli/store_argument.h"
#include "hre/store.h"

namespace hre::cli {
namespace {

/// The stored evaluation of the same model on the same data without the question.
Result<Run> without_question(const Run& run, const std::string& given) {
  auto path = existing_store(given);
  if (!path) return forward(path);
  auto store = RunStore::open(*path);
  if (!store) return forward(store);
  auto all = store->list();
  if (!all) return forward(all);
  const std::string prompt = prompt_without_question(run.options.prompt);
  const auto found = std::ranges::find_if(*all, [&](const RunInfo& info) {
    return info.problem.empty() && info.options.prompt == prompt &&
           info.dataset_fingerprint == run.dataset_fingerprint && info.model.fingerprint == run.model.fingerprint &&
           info.model.name == run.model.name && info.model.settings == run.model.settings;
  });
  if (found == all->end()) {
    return input_error("the store has no evaluation of " + run.model.name + " without the question", "--reference",
                       "hre eval MODEL --reference no-question makes it");
  }
  return store->load(*found);
}

}  // namespace

void ScoreOptions::define(CLI::App& app, const char* kinds) {
  add_choice(app, "--score", score, kScoreKinds,
             "what an answer's log-likelihood is divided by: its characters (per-char, the published rule), its "
             "tokens, its bytes, or nothing (sum); nothing is scored again");
  app.add_option("--reference", reference,
                 "score answers by the difference to this run's log-likelihoods (the implicit reward of a model tuned "
                 "from it), or, with no-question, to the model's own without the question (pointwise mutual "
                 "information); not divided by anything unless --score says so")
      ->type_name(kinds);
}

Status ScoreOptions::apply_score(std::vector<Run>& runs) const {
  for (Run& run : runs) {
    const bool relative = !reference.empty() && run.reference;
    if (!score && !relative) continue;
    if (auto ok = choose_score(score.value_or(ScoreKind::kSum), run); !ok) return ok;
  }
  return {};
}

Status ScoreOptions::apply(std::vector<Run>& runs, const std::string& store, bool allow_different,
                           std::vector<std::shared_ptr<const Run>>* references) const {
  std::shared_ptr<const Run> other;  // the same for all, or each run's own
  for (Run& run : runs) {
    if (reference.empty()) break;
    if (!other || reference == kNoQuestion) {
      auto loaded = reference == kNoQuestion ? without_question(run, store) : load_run(reference, store);
      if (!loaded) return forward(loaded);
      other = std::make_shared<const Run>(std::move(*loaded));
    }
    if (auto ok = refer_to(*other, allow_different, run); !ok) return ok;
    if (references != nullptr) references->push_back(other);
  }
  return apply_score(runs);
}

}  // namespace hre::cli
