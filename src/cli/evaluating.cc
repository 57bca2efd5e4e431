#include "cli/evaluating.h"

#include <CLI/CLI.hpp>

#include "cli/model_options.h"
#include "cli/seed_option.h"
#include "cli/server_options.h"
#include "core/files.h"
#include "core/text.h"
#include "hub/open.h"

namespace hre::cli {

void EvaluatingOptions::define(CLI::App& app) {
  app.add_option("--topic", eval.topics, "only topics whose names match; repeatable")
      ->type_name("GLOB")
      ->allow_extra_args(false);
  app.add_option("--limit", eval.limit, "the first N questions of each topic, after the shuffle")
      ->type_name("N")
      ->check(CLI::Range(int64_t{1}, int64_t{1} << 40).description(""));
  check_seed(app.add_option("--shuffle-seed", eval.shuffle_seed, "seed of the published shuffle (default 42)")
                 ->type_name("S"));
  app.add_flag("--no-shuffle", no_shuffle_, "keep the dataset's order");
  app.add_option("--prompt-file", prompt_file_, "a template with {question} and, at its end, {answer}")
      ->type_name("FILE");
  define_model_options(app, model);
  define_server(app, model.server);
}

Status EvaluatingOptions::finish() {
  eval.shuffle = !no_shuffle_;
  if (!prompt_file_.empty()) {
    auto prompt = read_file(prompt_file_, 1 << 20);
    if (!prompt) {
      prompt.error().next = "--prompt-file is a text file with {question} and {answer}";
      return forward(prompt);
    }
    eval.prompt = std::move(*prompt);
  } else if (model.chat_template != "none") {
    eval.prompt = "{question}{answer}";  // the template makes the rest
  }
  return {};
}

void define_data(CLI::App& app, std::string& data) {
  app.add_option("--data", data,
                 "a folder or file of parquet or .jsonl, a saved Arrow dataset, hf:ORG/REPO on the hub, or sample "
                 "(built in); default: the published dataset, " +
                     std::string(kPublishedDataset))
      ->type_name("DATA");
}

void define_until(CLI::App& app, std::string& until) {
  app.add_option("--until", until,
                 "stop when the value's confidence sequence is no wider than W, checked after every question")
      ->type_name("width=W");
}

Result<std::optional<UntilOptions>> parse_until(const std::string& text) {
  if (text.empty()) return std::optional<UntilOptions>();
  const auto width = text.starts_with("width=") ? parse_finite_number(text.substr(6)) : std::nullopt;
  if (!width || !(*width > 0)) {
    return input_error("'" + text + "' is not a stopping rule", "--until", "write it as width=0.05");
  }
  UntilOptions until;
  until.width = *width;
  return std::optional(until);
}

}  // namespace hre::cli
