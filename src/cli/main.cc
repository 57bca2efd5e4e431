/// The program: a table of commands, from which the help, the examples and "did you mean" are made.

#include <fmt/format.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <csignal>
#include <cstdlib>
#include <iostream>
#include <optional>
#include <thread>

#include "cli/bench.h"
#include "cli/command.h"
#include "cli/documents.h"
#include "cli/terminal.h"
#include "core/text.h"
#include "data/versions.h"
#include "hre/scorer.h"
#include "net/versions.h"
#include "report/text_table.h"
#include "stackexchange/versions.h"
#include "store/versions.h"

namespace hre::cli {
namespace {

/// "g++ 12.2.0"
std::string compiler() {
#ifdef __clang__
  return fmt::format("clang {}.{}.{}", __clang_major__, __clang_minor__, __clang_patchlevel__);
#else
  return fmt::format("g++ {}.{}.{}", __GNUC__, __GNUC_MINOR__, __GNUC_PATCHLEVEL__);
#endif
}

const std::vector<Command>& commands() {
  static const std::vector<Command> table = {
      {"demo", "run an evaluation that needs no download", "hre demo", define_demo},
      {"eval", "compute a model's HumanRankEval value",
       "hre eval baseline:zstd --data sample --topic python --json run.json", define_eval},
      {"compare", "compare runs or models, question by question",
       "hre compare baseline:zstd baseline:length --data sample", define_compare},
      {"gate", "decide whether a run may pass, against a baseline", "hre gate --help", define_gate},
      {"study", "compare families of models: base against tuned, and judgements", "hre study --example", define_study},
      {"power", "show how small a difference a number of questions can detect",
       "hre power <(hre eval baseline:zstd --data sample --json - --details --quiet)", define_power},
      {"confounds", "show what else could explain a value: length, age, position",
       "hre confounds <(hre eval baseline:zstd --data sample --json - --details --quiet)", define_confounds},
      {"show", "show questions, with answers as people and the model rank them",
       "hre show <(hre eval baseline:zstd --data sample --json - --details --quiet) --worst 2", define_show},
      {"report", "make a page, figures and tables from runs",
       "hre report <(hre eval baseline:length baseline:zstd --data sample --json - --details --quiet) --out report",
       define_report},
      {"model show", "describe a model: architecture, vocabulary, memory it needs", "hre model show baseline:zstd",
       define_model_show},
      {"model tokens", "show how a model's vocabulary tokenises text", "hre model tokens --help", define_model_tokens},
      {"verify", "score a sample of a run again by another method, and compare",
       "hre verify <(hre eval baseline:zstd --data sample --json - --details --quiet) --questions 3", define_verify},
      {"watch", "evaluate a training's checkpoints as they become complete", "hre watch . --data sample --once",
       define_watch},
      {"serve", "evaluate models that are submitted by HTTP, in a queue", "hre serve --help", define_serve},
      {"bench", "measure how fast a model is scored, and how near the limit", "hre bench --questions 2", define_bench},
      {"data info", "describe a dataset: topics, lengths, votes, ties", "hre data info sample", define_data_info},
      {"data convert", "convert a dataset to parquet or JSON lines", "hre data convert sample questions.jsonl",
       define_data_convert},
      {"data build", "build a dataset from Stack Exchange dumps",
       "hre data build --topic beer=beer.stackexchange.com.7z --print-recipe", define_data_build},
      {"data fetch", "fetch a dataset from the hub into the cache", "hre data fetch hf:huawei-noah/human_rank_eval",
       define_data_fetch},
      {"model fetch", "fetch a model from the hub into the cache", "hre model fetch hf:EleutherAI/pythia-410m",
       define_model_fetch},
      {"model list", "list the models and datasets in the cache", "hre model list", define_model_list},
      {"model remove", "remove a model or dataset from the cache", "hre model remove hf:EleutherAI/pythia-410m",
       define_model_remove},
      {"runs list", "list the stored runs", "hre runs list --dataset sample", define_runs_list},
      {"runs show", "show a run: configuration, values, speed, provenance", "hre runs show last", define_runs_show},
      {"runs export", "export a run to a file, in one of several formats", "hre runs export last --to csv",
       define_runs_export},
      {"runs import", "import runs from files", "hre runs import run.json", define_runs_import},
      {"runs merge", "copy runs from other stores, or merge an evaluation's shards", "hre runs merge other.db",
       define_runs_merge},
      {"runs remove", "remove runs, and the answers that no other run has", "hre runs remove last", define_runs_remove},
      {"runs repair", "recover every readable part of a damaged store", "hre runs repair", define_runs_repair},
  };
  return table;
}

int exit_status(ErrorCode code) {
  switch (code) {
    case ErrorCode::kInput:
      return 2;
    case ErrorCode::kThreshold:
      return 3;
    case ErrorCode::kInterrupted:
      return 130;
    case ErrorCode::kFailed:
      break;
  }
  return 1;
}

int report(const Error& error, int threshold_status = 3) {
  std::cerr << message_text(error.text(), draws_on(STDERR_FILENO));
  return error.code == ErrorCode::kThreshold ? threshold_status : exit_status(error.code);
}

std::string program_help(int width, const std::string& group = "") {
  size_t widest = 0;
  for (const Command& command : commands()) widest = std::max(widest, command.name.size());
  std::string text =
      "hre measures how well language models rank people's answers (HumanRankEval)\n\n"
      "Usage: hre COMMAND [ARGUMENTS]\n\nCommands:\n";
  for (const Command& command : commands()) {
    if (!group.empty() && !command.name.starts_with(group + " ")) continue;
    text += fmt::format("  {:<{}}   {}\n", command.name, widest, command.summary);
  }
  text +=
      "\nhre COMMAND --help shows options and an example; hre --version the engine.\n"
      "Exit status: 0 success, 1 failure, 2 a mistake in command line or input,\n"
      "3 a threshold was not met, 4 undecided (hre gate), 130 interrupted.\n";
  return wrapped(text, width);
}

/// The command that the arguments begin with; words of its name are taken off them.
const Command* find_command(std::vector<std::string>& words) {
  for (const Command& command : commands()) {
    const size_t n_words = command.name.find(' ') == std::string::npos ? 1 : 2;
    if (words.size() < n_words ||
        join({words.begin(), words.begin() + static_cast<ptrdiff_t>(n_words)}, " ") != command.name) {
      continue;
    }
    words.erase(words.begin(), words.begin() + static_cast<ptrdiff_t>(n_words));
    return &command;
  }
  return nullptr;
}

bool is_group(const std::string& word) {
  return std::any_of(commands().begin(), commands().end(),
                     [&](const Command& command) { return command.name.starts_with(word + " "); });
}

Error unknown_command(const std::vector<std::string>& words) {
  std::vector<std::string> names = {"help"};
  for (const Command& command : commands()) {
    names.push_back(command.name);
    if (const size_t space = command.name.find(' '); space != std::string::npos)
      names.push_back(command.name.substr(0, space));
  }
  const std::string typed = words.size() > 1 && is_group(words[0]) ? words[0] + " " + words[1] : words[0];
  const auto nearest = nearest_name(typed, names);
  return {ErrorCode::kInput, "there is no command '" + typed + "'", "",
          nearest ? "did you mean 'hre " + *nearest + "'?" : "hre --help lists the commands"};
}

/// CLI11 begins with the option's name: "--limit: Value ten not in range 1 to 10", "--limit: 1 required N missing".
std::optional<std::string> plain_message(const CLI::App& app, const std::string& message) {
  const size_t colon = message.find(": ");
  if (colon == std::string::npos) return std::nullopt;
  const std::string name = message.substr(0, colon), rest = message.substr(colon + 2);
  const CLI::Option* option = app.get_option_no_throw(name);
  if (option == nullptr) {
    if (!name.starts_with("The following argument")) return std::nullopt;
    return (rest.starts_with('-') ? "there is no option " : "unexpected argument: ") + rest;
  }
  if (rest.ends_with(" missing")) return name + " needs a value, " + option->get_type_name();
  const std::string type = option->get_type_name();
  if (type.find('|') != std::string::npos && type.find("FILE") == std::string::npos) {
    std::string choices = type;
    for (size_t at = choices.find('|'); at != std::string::npos; at = choices.find('|')) choices.replace(at, 1, ", ");
    return name + ": '" + rest + "' is not one of " + choices;
  }
  const size_t range = rest.find(" not in range ");
  if (!rest.starts_with("Value ") || range == std::string::npos) return std::nullopt;
  const std::string given = rest.substr(6, range - 6), bounds = rest.substr(range + 14);
  const size_t to = bounds.find(" to ");
  const bool bounded = to != std::string::npos && bounds.size() - to - 4 < 9;  // others are only what a type can hold
  return fmt::format("{}: '{}' is not a number {}", name, given,
                     bounded ? "from " + bounds : "of at least " + bounds.substr(0, to));
}

/// In plain words, with the nearest option's name for one that does not exist.
Error parse_error(const CLI::App& app, const CLI::ParseError& problem, const std::vector<std::string>& words) {
  std::vector<std::string> names;
  for (const CLI::Option* option : app.get_options()) {
    for (const std::string& name : option->get_lnames()) names.push_back("--" + name);
  }
  for (const std::string& word : words) {
    const std::string typed = word.substr(0, word.find('='));
    if (!typed.starts_with("--") || std::find(names.begin(), names.end(), typed) != names.end()) continue;
    const auto nearest = nearest_name(typed, names);
    return {ErrorCode::kInput, "there is no option " + typed, "",
            nearest ? "did you mean " + *nearest + "?" : app.get_name() + " --help lists the options"};
  }
  std::string message = problem.what();
  while (!message.empty() && message.back() == '\n') message.pop_back();
  return {ErrorCode::kInput, plain_message(app, message).value_or(message), "",
          app.get_name() + " --help shows the options"};
}

/// Ctrl-C once: stop in good order, or at once where nothing is kept. Twice: at once. A thread of its own waits for
/// signals, because a handler may do almost nothing.
void watch_signals(std::stop_source& stop) {
  sigset_t signals;
  sigemptyset(&signals);
  for (const int signal : {SIGINT, SIGTERM, SIGHUP}) sigaddset(&signals, signal);
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  std::signal(SIGPIPE, SIG_IGN);
  std::thread([signals, &stop] {
    int signal = 0;
    while (sigwait(&signals, &signal) == 0) {
      if (!stop.request_stop()) _exit(130);
      if (EndsAtOnce::any()) EndsAtOnce::now();
      constexpr char kMessage[] = "\nhre: stopping; interrupt again to stop at once\n";
      [[maybe_unused]] const ssize_t n = write(STDERR_FILENO, kMessage, sizeof kMessage - 1);
    }
  }).detach();
}

int run_command(const Command& command, std::vector<std::string> words) {
  const int width = width_for_people(STDOUT_FILENO);
  CLI::App app("hre " + command.name + ": " + command.summary, "hre " + command.name);
  app.set_help_flag("-h,--help", "print this help and exit");
  app.set_help_all_flag("--help-all", "print every option and exit");
  const Action action = command.define(app);
  try {
    std::vector<std::string> reversed(words.rbegin(), words.rend());
    app.parse(reversed);
  } catch (const CLI::CallForHelp&) {
    std::cout << command_help(app, command, false, width);
    return 0;
  } catch (const CLI::CallForAllHelp&) {
    std::cout << command_help(app, command, true, width);
    return 0;
  } catch (const CLI::ParseError& problem) {
    return report(parse_error(app, problem, words));
  }
  static std::stop_source stop;  // outlives the thread that waits for signals
  watch_signals(stop);
  std::optional<TerminalFilter> out, err;
  if (isatty(STDOUT_FILENO) != 0) out.emplace(std::cout);
  if (isatty(STDERR_FILENO) != 0) err.emplace(std::cerr);
  Console console{std::cout, std::cerr, draws_on(STDOUT_FILENO), draws_on(STDERR_FILENO), width, stop.get_token()};
  const Status done = action(console);
  std::cout.flush();
  if (!std::cout && reader_is_gone(STDOUT_FILENO)) return 128 + SIGPIPE;  // head has what it wanted: nothing to say
  if (!done) return report(done.error(), console.threshold_status);
  if (!std::cout) return report({ErrorCode::kFailed, "standard output could not be written", "", ""});
  return 0;
}

int run(std::vector<std::string> words) {
  if (words.empty()) {
    std::cerr << program_help(width_for_people(STDERR_FILENO));
    return 2;
  }
  if (words[0] == "--help" || words[0] == "-h" || words[0] == "help" || words[0] == "--help-all") {
    words.erase(words.begin());
    if (words == std::vector<std::string>{"--examples"}) {
      for (const Command& command : commands()) std::cout << command.example << '\n';
      return 0;
    }
    if (words.size() == 2 && words[0] == "--completion") {
      const auto script = completion(commands(), words[1]);
      if (!script) return report(script.error());
      std::cout << *script;
      return 0;
    }
    if (words.size() == 2 && words[0] == "--man-pages") {
      const Status written = write_man_pages(commands(), words[1]);
      return written ? 0 : report(written.error());
    }
    if (words.empty()) {
      std::cout << program_help(width_for_people(STDOUT_FILENO));
      return 0;
    }
    words.push_back("--help");
  }
  if (words[0] == "--version" || words[0] == "version") {
    std::cout << "hre " HRE_VERSION "\n"
              << engine_description() << '\n'
              << data::library_versions() << '\n'
              << store::library_versions() << ", " << stackexchange::library_versions() << '\n'
              << net::library_versions() << '\n'
              << HRE_HEADER_VERSIONS << '\n'
              << "compiled by " << compiler() << '\n';
    return 0;
  }
  const std::string group = words[0];
  if (const Command* command = find_command(words)) return run_command(*command, std::move(words));
  const bool asks = words.size() == 1 || words[1] == "--help" || words[1] == "-h";
  if (is_group(group) && asks) {
    const std::string help = program_help(width_for_people(words.size() == 1 ? STDERR_FILENO : STDOUT_FILENO), group);
    (words.size() == 1 ? std::cerr : std::cout) << help;
    return words.size() == 1 ? 2 : 0;
  }
  return report(unknown_command(words));
}

}  // namespace

EndsAtOnce::EndsAtOnce(const std::stop_token& stop) {
  ++n_;
  if (stop.stop_requested()) now();
}

void EndsAtOnce::now() {
  constexpr char kMessage[] = "\nhre: interrupted\n";
  [[maybe_unused]] const ssize_t n = write(STDERR_FILENO, kMessage, sizeof kMessage - 1);
  _exit(130);
}

}  // namespace hre::cli

int main(int argc, char** argv) {
  std::ios::sync_with_stdio(false);
  try {
    return hre::cli::run({argv + 1, argv + argc});
  } catch (const std::bad_alloc&) {
    std::cerr << "hre: out of memory\n";
  } catch (const std::exception& problem) {
    std::cerr << "hre: " << problem.what() << '\n';
  }
  return 1;
}
