#pragma once
/// The folder src/eval: from a dataset and a scorer to a run: selection, prompts, order of work, reuse, early stopping.
///
/// Not here: how a model computes (src/model), what a value means (src/analysis), what the disk has (src/store).
/// Types:    `Evaluation` is the work under way; `PromptTemplate` makes requests; `Keeper` is its side of the store;
///           `Run` (hre/run.h) the result.
/// Owners:   an evaluation owns results until `finish` moves them into the run; dataset and scorer are the caller's.
/// Threads:  one thread, but for planning, which uses several; the store writes on another.
/// To add:   a rule for stopping: until.cc. A log of another harness: a reader beside inspect_log.h, a case in
///           item_log.cc.

/// One evaluation under way: what evaluate() does in one go, evaluate_until() from look to look.

#include <functional>
#include <memory>
#include <optional>
#include <stop_token>
#include <vector>

#include "hre/evaluate.h"

namespace hre {

/// A place is a question's index in the selection. For one thread.
class Evaluation {
 public:
  /// All must live longer.
  Evaluation(const Dataset& dataset, Scorer& scorer, const EvalOptions& options, ProgressListener& progress,
             std::stop_token stop);
  ~Evaluation();
  Evaluation(Evaluation&&) noexcept;
  Evaluation& operator=(Evaluation&&) = delete;

  /// Selects the questions and opens the store. `order` holds the places in the order of work; empty: one question of
  /// each topic in turn, or what the scorer asks for. `early` says that it may end early, and by what rule.
  Status begin(const Keeping& keeping, std::vector<size_t> order = {}, const std::optional<EarlyStop>& early = {});

  /// Told of every result, in the order of work, as soon as those before it are there. False: nothing more is needed.
  using Watch = std::function<bool(size_t nth, const QuestionResult& result)>;
  /// Does what is left of the first `n` questions in the order of work: takes what is stored, and scores the rest. A
  /// model that fails is told by finish(). Input errors for what can't be asked of the model.
  Status advance(size_t n, const Watch& watch = {});

  [[nodiscard]] size_t size() const;
  /// The result of the nth question in the order of work; null where it is not done.
  [[nodiscard]] const QuestionResult* result(size_t nth) const;
  /// Whether it can go on: it was neither interrupted nor has the model failed.
  [[nodiscard]] bool sound() const;

  /// What is done of the first `n` questions in the order of work, in the order of the selection. Answers to others are
  /// kept, but are no part of the run.
  Run finish(size_t n, const std::optional<EarlyStop>& early = {});

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace hre
