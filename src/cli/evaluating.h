#pragma once
/// The options of every command that evaluates models: which questions, with which prompt, and how models are opened.

#include <optional>
#include <string>

#include "cli/command.h"
#include "eval/until.h"
#include "hre/engine_options.h"
#include "hre/run.h"

namespace hre::cli {

struct EvaluatingOptions {
  EngineOptions model;
  EvalOptions eval;

  /// Adds --topic, --limit, --shuffle-seed, --no-shuffle, --prompt-file, and those of models.
  void define(CLI::App& app);
  /// Makes of what was given what `model` and `eval` say: reads the prompt's file.
  Status finish();

 private:
  std::string prompt_file_;
  bool no_shuffle_ = false;
};

/// --data, of commands that take the published dataset where none is given.
void define_data(CLI::App& app, std::string& data);

/// --until width=W, and what was given to it.
void define_until(CLI::App& app, std::string& until);
Result<std::optional<UntilOptions>> parse_until(const std::string& text);

}  // namespace hre::cli
