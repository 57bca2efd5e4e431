/// hre gate: is a run good enough, against a baseline?

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <memory>
#include <ostream>

#include "analysis/gate_file.h"
#include "cli/comparing.h"
#include "cli/gate_status.h"
#include "cli/run_argument.h"
#include "cli/store_argument.h"
#include "core/files.h"
#include "report/gate_text.h"

namespace hre::cli {
namespace {

struct GateArguments {
  std::string run, against, policy, topics, json, markdown, junit, store;
  std::optional<double> margin, level;
  ComparingOptions comparing;
  std::vector<const CLI::Option*> options;  ///< all but RUN
  std::vector<const CLI::Option*> of_rule;  ///< what a policy file says itself
  bool allow_different = false;
};

/// The policy of the file, or one rule made of options.
Result<GateFile> policy_of(const GateArguments& a) {
  auto options = a.comparing.compare_options();
  if (!options) return forward(options);
  GateFile file;
  if (a.policy.empty()) {
    GateRule rule;
    rule.metric = options->metric;
    rule.score = a.comparing.score.score;
    rule.margin = a.margin.value_or(rule.margin);
    rule.weights = options->statistics.weights;
    file.policy.rules.push_back(rule);
    if (!a.topics.empty()) {
      rule.topics = a.topics;
      file.policy.rules.push_back(rule);
    }
  } else {
    for (const CLI::Option* option : a.of_rule) {
      if (option->count() > 0) {
        return input_error("the policy file says what is checked", option->get_name(),
                           "write it into a table [[check]] of " + a.policy);
      }
    }
    auto read = read_gate_file(a.policy);
    if (!read) return forward(read);
    file = std::move(*read);
  }
  if (!a.against.empty()) file.baseline = a.against;
  if (a.level) file.policy.level = *a.level;
  if (a.comparing.undefined) file.policy.undefined = a.comparing.undefined;
  file.policy.statistics = options->statistics;
  file.policy.allow_different = a.allow_different;
  if (file.baseline.empty()) {
    return input_error("there is no baseline", "--against",
                       "give --against RUN, or write baseline = \"RUN\" into a policy file");
  }
  return file;
}

/// A word of a shell's command.
std::string shell_word(const std::string& text) {
  const auto plain = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           std::string_view("_-./:,@%+=").find(c) != std::string_view::npos;
  };
  if (!text.empty() && std::ranges::all_of(text, plain)) return text;
  std::string word = "'";
  for (const char c : text) word += c == '\'' ? "'\\''" : std::string(1, c);
  return word + "'";
}

/// How to reproduce the verdict: the call, with the baseline that a policy names, and the metric and the margin where
/// there is no policy. Files that were written are left out.
std::string command_of(const GateArguments& a, const GateFile& file) {
  std::string command = "hre gate " + shell_word(a.run) + " --against " + shell_word(file.baseline);
  if (a.policy.empty()) {
    const GateRule& rule = file.policy.rules.front();
    command += fmt::format(" --metric {} --margin {:g}", rule.metric->name, rule.margin);
  }
  for (const CLI::Option* option : a.options) {
    const auto is_any_of = [&](std::initializer_list<const char*> names) {
      return std::ranges::any_of(names, [&](const char* name) { return option->check_lname(name); });
    };
    if (option->count() == 0 || is_any_of({"against", "metric", "margin", "json", "markdown", "junit"})) continue;
    if (option->get_expected_max() == 0) command += " " + option->get_name();
    for (const std::string& value : option->results()) {
      if (option->get_expected_max() > 0) command += " " + option->get_name() + " " + shell_word(value);
    }
  }
  return command;
}

Status run_gate_command(const GateArguments& a, Console& console) {
  auto file = policy_of(a);
  if (!file) return forward(file);
  auto runs = load_runs({a.run}, a.store);
  if (!runs) return forward(runs);
  auto baseline = load_run(file->baseline, a.store);
  if (!baseline) return forward(baseline);
  if (runs->size() != 1) return input_error("a gate is for one run", a.run, "give a file that holds one run");
  runs->push_back(std::move(*baseline));
  for (const Run& run : *runs) {
    if (run.partial()) {
      return input_error(fmt::format("the run is partial: {} of {} questions", run.questions.size(), run.planned),
                         run.model.name, "the same evaluation again goes on where it stopped");
    }
  }
  if (auto ok = a.comparing.apply_where(*runs); !ok) return ok;
  if (auto ok = a.comparing.score.apply(*runs, a.store, a.allow_different); !ok) return ok;
  auto report = at_once(console, [&] { return run_gate(std::move((*runs)[0]), std::move((*runs)[1]), file->policy); });
  if (!report) return forward(report);
  if (auto ok = write_result(a.json, gate_json(*report, a.comparing.where), gate_text(*report, console.width), console);
      !ok)
    return ok;
  if (!a.markdown.empty()) {
    if (auto ok = write_file(a.markdown, gate_markdown(*report, command_of(a, *file))); !ok) return ok;
  }
  if (!a.junit.empty()) {
    if (auto ok = write_file(a.junit, gate_junit(*report)); !ok) return ok;
  }
  return gate_status(*report, console);
}

}  // namespace

Action define_gate(CLI::App& app) {
  auto a = std::make_shared<GateArguments>();
  app.add_option("RUN", a->run, std::string(kRunHelp) + kLogHelp)->required()->type_name("");
  app.add_option("--against", a->against, "the baseline: a run that RUN may not be worse than")->type_name("RUN");
  app.add_option("--policy", a->policy, "a TOML file that says what is checked, and with which margins (docs/ci.md)")
      ->type_name("FILE");
  const size_t before = app.get_options().size();
  app.add_option("--margin", a->margin, "how much worse is still good enough, in the metric's units (default 0.02)")
      ->type_name("BY")
      ->check(CLI::NonNegativeNumber.description(""));
  app.add_option("--topics", a->topics, "also check every topic whose name matches, by itself")->type_name("GLOB");
  app.add_option("--level", a->level, "probability of a wrong verdict, over all checks (default 0.05)")
      ->type_name("P")
      ->check(CLI::Range(1e-9, 0.5).description(""));
  a->comparing.define(app);
  const std::vector<CLI::Option*> options = app.get_options();
  for (size_t i = before; i < options.size(); ++i) {
    for (const char* name : {"margin", "topics", "metric", "score", "weights"}) {
      if (options[i]->check_lname(name)) a->of_rule.push_back(options[i]);
    }
  }
  app.add_flag("--allow-different", a->allow_different,
               "compare runs of different configurations; the differences are listed");
  add_store_option(app, a->store);
  app.add_option("--json", a->json, "write the verdict as JSON (format hre-gate/1); - for standard output")
      ->type_name("FILE");
  app.add_option("--markdown", a->markdown, "write the verdict as Markdown, for a pull request")->type_name("FILE");
  app.add_option("--junit", a->junit, "write the checks as JUnit XML")->type_name("FILE");
  for (const CLI::Option* option : app.get_options()) {
    if (!option->get_positional() && option != app.get_help_ptr()) a->options.push_back(option);
  }
  return [a](Console& console) { return run_gate_command(*a, console); };
}

}  // namespace hre::cli
