#pragma once
/// --score and --reference, wherever a command shows values of runs.

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "cli/command.h"
#include "hre/run.h"

namespace hre::cli {

/// --reference, where it is not a run or a model: the model itself, without the question.
constexpr char kNoQuestion[] = "no-question";

struct ScoreOptions {
  std::optional<ScoreKind> score;  ///< nothing: the runs' own; with a reference, the sum
  std::string reference;           ///< RUN, or no-question; in commands that evaluate, a MODEL too

  /// `kinds`: what --reference may name.
  void define(CLI::App& app, const char* kinds = "RUN|no-question");
  [[nodiscard]] bool any() const { return score || !reference.empty(); }
  /// The score alone, for runs that have their reference.
  [[nodiscard]] Status apply_score(std::vector<Run>& runs) const;
  /// Both. The reference is a run; of no-question, the store has the evaluation without the question. `references` gets
  /// those of the runs, null where there are none.
  Status apply(std::vector<Run>& runs, const std::string& store, bool allow_different = false,
               std::vector<std::shared_ptr<const Run>>* references = nullptr) const;
};

}  // namespace hre::cli
