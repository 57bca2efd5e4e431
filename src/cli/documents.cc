#include "cli/documents.h"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <string_view>

#include "core/files.h"
#include "core/text.h"
#include "model/baseline/baseline.h"
#include "report/text_table.h"

namespace hre::cli {
namespace {

struct OptionGroup {
  const char* title;
  std::vector<std::string_view> names;
};

/// What people use every day, by what it is about. Commands with more options than these show the others on request.
const std::vector<OptionGroup>& everyday_groups() {
  static const std::vector<OptionGroup> groups = {
      {"Data", {"--data", "--topic", "--limit", "--questions"}},
      {"Model", {"--model", "--bos", "--chat-template", "--gpu-layers", "--threads"}},
      {"Scoring rule", {"--long-answers", "--max-length"}},
      {"Comparison",
       {"--metric", "--weights", "--cluster", "--against", "--policy", "--margin", "--topics", "--level",
        "--fail-if-worse", "--gate", "--tolerance", "--python"}},
      {"Watching", {"--once", "--backlog", "--page", "--on-result"}},
      {"Results", {"--json", "--markdown", "--junit", "--metrics", "--name"}},
  };
  return groups;
}

const std::vector<OptionGroup>& other_groups() {
  static const std::vector<OptionGroup> groups = {
      {"More on data", {"--shuffle-seed", "--no-shuffle", "--where", "--metadata", "--until"}},
      {"More on the model and its prompt", {"--lora", "--prompt-file", "--system", "--date"}},
      {"Scoring rule", {"--score", "--reference", "--undefined"}},
      {"More on the comparison", {"--draws", "--permutations", "--seed", "--moved", "--allow-different"}},
      {"More on results", {"--details", "--keep-tokens", "--reference-json", "--stats", "--quiet", "--no-plain"}},
      {"More on watching",
       {"--json-lines", "--webhook", "--result-timeout", "--time-limit", "--every", "--settle", "--patience",
        "--stop-file", "--retry-failed", "--keep-converted"}},
      {"Store", {"--store", "--no-cache", "--recheck", "--verify-weights", "--explain"}},
      {"Devices and memory",
       {"--device", "--tensor-split", "--stream-weights", "--numa", "--kv-type", "--flash-attention",
        "--engine-kernels", "--precision"}},
      {"Servers", {"--api-key-file", "--ca-file", "--wait", "--request-timeout", "--max-concurrency"}},
      {"Several processes and machines", {"--models", "--shard", "--workers", "--rank-timeout", "--rpc"}},
  };
  return groups;
}

constexpr size_t kFewOptions = 22;  // with --help and --help-all; a command with no more shows them all

bool is_positional(const CLI::Option& option) { return option.get_lnames().empty() && option.get_snames().empty(); }
bool is_flag(const CLI::Option& option) { return option.get_expected_max() == 0; }
std::string long_name(const CLI::Option& option) {
  return option.get_lnames().empty() ? "-" + option.get_snames().front() : "--" + option.get_lnames().front();
}

bool assign_group(CLI::Option& option, const std::vector<OptionGroup>& groups) {
  const std::string name = long_name(option);
  for (const OptionGroup& group : groups) {
    if (std::find(group.names.begin(), group.names.end(), name) == group.names.end()) continue;
    option.group(group.title);
    return true;
  }
  return false;
}

/// What a command's options are, as they are needed below.
struct DescribedOption {
  std::string name;   ///< "--data"; of an argument, "MODEL"
  std::string value;  ///< "FILE"; empty for a flag
  std::string help;
  bool positional = false;
};

std::vector<DescribedOption> options_of(const Command& command) {
  CLI::App app(command.summary, "hre " + command.name);
  const Action action = command.define(app);
  std::vector<DescribedOption> described;
  for (const CLI::Option* option : app.get_options()) {
    if (is_positional(*option)) {
      described.push_back({option->get_name(true), "", option->get_description(), true});
      continue;
    }
    const std::string type = option->get_type_name();
    described.push_back({long_name(*option),
                         is_flag(*option) ? ""
                         : type.empty()   ? "VALUE"
                                          : type,
                         option->get_description(), false});
  }
  return described;
}

/// The values that an option takes by name: "none" and "auto" of "none|auto|FILE".
std::vector<std::string> choices_of(const DescribedOption& option) {
  std::vector<std::string> choices;
  const std::string& all = option.value;
  for (size_t at = 0; all.find('|') != std::string::npos && at <= all.size();) {
    const size_t end = std::min(all.find('|', at), all.size());
    const std::string choice = all.substr(at, end - at);
    if (choice.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789-_") == std::string::npos)
      choices.push_back(choice);
    at = end + 1;
  }
  return choices;
}

bool takes_file(const DescribedOption& option) { return option.value.find("FILE") != std::string::npos; }

/// The first words of commands, and the second ones after each: "data" and {"info", "build", ...}.
std::vector<std::pair<std::string, std::vector<std::string>>> words_of(const std::vector<Command>& commands) {
  std::vector<std::pair<std::string, std::vector<std::string>>> words;
  for (const Command& command : commands) {
    const size_t space = command.name.find(' ');
    const std::string first = command.name.substr(0, space);
    auto found = std::find_if(words.begin(), words.end(), [&](const auto& word) { return word.first == first; });
    if (found == words.end()) found = words.insert(words.end(), {first, {}});
    if (space != std::string::npos) found->second.push_back(command.name.substr(space + 1));
  }
  return words;
}

std::string option_names(const Command& command) {
  std::vector<std::string> names;
  for (const DescribedOption& option : options_of(command)) {
    if (!option.positional) names.push_back(option.name);
  }
  return join(names, " ");
}

/// The second word is offered after a group's first; options where a word begins with "-"; files and what a command
/// takes by name elsewhere.
std::string bash_completion(const std::vector<Command>& commands) {
  std::vector<std::string> first, baselines;
  for (const NamedBaseline& baseline : kBaselines) baselines.emplace_back(baseline.name);
  std::string groups, options;
  for (const auto& [word, second] : words_of(commands)) {
    first.push_back(word);
    if (!second.empty()) groups += fmt::format("      {}) offered=\"{}\" ;;\n", word, join(second, " "));
  }
  for (const Command& command : commands) {
    options += fmt::format("    \"{}\"*) options=\"{}\"\n", command.name, option_names(command));
    std::string values;
    for (const DescribedOption& option : options_of(command)) {
      const std::string choices = join(choices_of(option), " ");
      const char* files = takes_file(option) ? " files=yes" : "";
      if (!choices.empty()) values += fmt::format("        {}) values=\"{}\"{} ;;\n", option.name, choices, files);
    }
    if (!values.empty()) options += "      case $before in\n" + values + "      esac\n";
    options += "      ;;\n";
  }
  return fmt::format(R"(# Completion of hre for bash, made by "hre help --completion bash".
_hre() {{
  local word=${{COMP_WORDS[COMP_CWORD]}} before=${{COMP_WORDS[COMP_CWORD-1]}} offered="" options="" values="" files=""
  if [ "$COMP_CWORD" -eq 1 ]; then
    offered="{} help --help --version"
  elif [ "$COMP_CWORD" -eq 2 ]; then
    case ${{COMP_WORDS[1]}} in
{}    esac
  fi
  case "${{COMP_WORDS[1]}} ${{COMP_WORDS[2]}} " in
{}  esac
  if [ -n "$offered" ]; then
    mapfile -t COMPREPLY < <(compgen -W "$offered" -- "$word")
  elif [[ $word == -* ]]; then
    mapfile -t COMPREPLY < <(compgen -W "$options" -- "$word")
  elif [ -n "$values" ]; then
    mapfile -t COMPREPLY < <(compgen -W "$values" -- "$word"; [ -z "$files" ] || compgen -f -- "$word")
  elif [ "$before" = --data ]; then
    mapfile -t COMPREPLY < <(compgen -W sample -- "$word"; compgen -f -- "$word")
  else
    mapfile -t COMPREPLY < <(compgen -W "{}" -- "$word"; compgen -f -- "$word")
  fi
}}
complete -o filenames -F _hre hre
)",
                     join(first, " "), groups, options, join(baselines, " "));
}

/// Null if there is no command of that name, as with the first word of "runs show".
const Command* command_named(const std::vector<Command>& commands, const std::string& name) {
  const auto at = std::find_if(commands.begin(), commands.end(), [&](const Command& c) { return c.name == name; });
  return at == commands.end() ? nullptr : &*at;
}

std::string zsh_text(std::string_view text) {
  return replaced(text, {{'\'', "'\\''"}, {'[', "\\["}, {']', "\\]"}, {':', "\\:"}});
}

/// What may stand behind an option: its choices, else files.
std::string zsh_values(const DescribedOption& option) {
  const std::vector<std::string> choices = choices_of(option);
  if (choices.empty()) return "_files";
  const std::string list = "(" + join(choices, " ") + ")";
  return takes_file(option) ? "{_alternative \"values\\:value\\:" + list + "\" \"files\\:file\\:_files\"}" : list;
}

std::string zsh_completion(const std::vector<Command>& commands) {
  std::string cases, first;
  for (const auto& [word, second] : words_of(commands)) {
    const Command* named = command_named(commands, word);
    first +=
        fmt::format("    '{}:{}'\n", word,
                    named == nullptr ? "commands for " + word + (word == "runs" ? "" : "s") : zsh_text(named->summary));
    if (second.empty()) continue;
    cases += fmt::format("    '{}')\n      compadd {}; return ;;\n", word, join(second, " "));
  }
  std::string options;
  for (const Command& command : commands) {
    options += fmt::format("    '{}')\n      _arguments", command.name);
    for (const DescribedOption& option : options_of(command)) {
      if (option.positional) continue;
      options += fmt::format(" \\\n        '*{}[{}]{}'", option.name, zsh_text(option.help),
                             option.value.empty() ? "" : ":" + zsh_text(option.value) + ":" + zsh_values(option));
    }
    options += " \\\n        '*:file:_files'; return ;;\n";
  }
  return fmt::format(R"(#compdef hre
# Completion of hre for zsh, made by "hre help --completion zsh".
local -a commands
commands=(
{})
if (( CURRENT == 2 )); then
  _describe command commands
  return
fi
if (( CURRENT == 3 )); then
  case $words[2] in
{}  esac
fi
local name=$words[2]
case "$words[2] $words[3]" in
  'data '*|'model '*|'runs '*) name="$words[2] $words[3]"; shift words; (( CURRENT-- )) ;;
esac
shift words; (( CURRENT-- ))
case $name in
{}esac
)",
                     first, cases, options);
}

std::string fish_text(std::string_view text) { return replaced(text, {{'\'', "\\'"}, {'\\', "\\\\"}}); }

std::string fish_completion(const std::vector<Command>& commands) {
  std::string text = R"(# Completion of hre for fish, made by "hre help --completion fish".
function __hre_is
  set -l words (commandline -opc)
  set -l last (math (count $argv) + 1)
  test (count $words) -ge $last; and test "$words[2..$last]" = "$argv"
end
function __hre_at
  test (count (commandline -opc)) -eq $argv[1]
end
)";
  for (const auto& [word, second] : words_of(commands)) {
    const Command* named = command_named(commands, word);
    text += fmt::format("complete -c hre -f -n '__hre_at 1' -a '{}' -d '{}'\n", word,
                        named == nullptr ? "" : fish_text(named->summary));
    for (const std::string& name : second) {
      const Command* whole = command_named(commands, fmt::format("{} {}", word, name));
      text += fmt::format("complete -c hre -f -n '__hre_at 2; and __hre_is {}' -a '{}' -d '{}'\n", word, name,
                          fish_text(whole->summary));
    }
  }
  for (const Command& command : commands) {
    for (const DescribedOption& option : options_of(command)) {
      if (option.positional || !option.name.starts_with("--")) continue;
      const std::string choices = join(choices_of(option), " ");
      text += fmt::format("complete -c hre -n '__hre_is {}' -l {}{}{} -d '{}'\n", command.name, option.name.substr(2),
                          option.value.empty() ? "" : " -r",
                          choices.empty() ? "" : (takes_file(option) ? " -a '" : " -f -a '") + choices + "'",
                          fish_text(option.help));
    }
  }
  return text;
}

/// A hyphen that is one, and no line that begins with a control character.
std::string roff(std::string_view text) {
  std::string out = replaced(text, {{'-', "\\-"}, {'\\', "\\e"}});
  if (out.starts_with('.') || out.starts_with('\'')) out.insert(0, "\\&");
  return out;
}

std::string file_name(const Command& command) {
  std::string name = command.name;
  std::replace(name.begin(), name.end(), ' ', '-');
  return "hre-" + name;
}

std::string upper(std::string name) {
  for (char& c : name) c = c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
  return name;
}

std::string man_page(const Command& command) {
  std::string arguments, options;
  for (const DescribedOption& option : options_of(command)) {
    if (option.positional) arguments += " " + option.name;
    const std::string name = roff(option.name);
    options += option.positional      ? fmt::format(".TP\n.I {}\n", name)
               : option.value.empty() ? fmt::format(".TP\n.B {}\n", name)
                                      : fmt::format(".TP\n.BI {} \" {}\"\n", name, roff(option.value));
    options += roff(option.help) + "\n";
  }
  return fmt::format(
      ".TH {} 1 \"\" \"hre {}\"\n.SH NAME\n{} \\- {}\n.SH SYNOPSIS\n.B hre {}\n[options]{}\n.SH OPTIONS\n{}.SH "
      "EXAMPLE\n"
      ".nf\n{}\n.fi\n.SH SEE ALSO\n.BR hre (1)\n",
      upper(file_name(command)), HRE_VERSION, roff(file_name(command)), roff(command.summary), command.name,
      roff(arguments), options, roff(command.example));
}

std::string man_page_of_program(const std::vector<Command>& commands) {
  std::string list;
  for (const Command& command : commands)
    list += fmt::format(".TP\n.BR {} (1)\n{}\n", roff(file_name(command)), roff(command.summary));
  return fmt::format(
      ".TH HRE 1 \"\" \"hre {}\"\n.SH NAME\nhre \\- how well a language model's log\\-likelihoods rank people's "
      "answers\n"
      ".SH SYNOPSIS\n.B hre\n.I command\n[arguments]\n.SH COMMANDS\n{}.SH EXIT STATUS\n0 success; 1 failure; 2 a "
      "mistake in the command line or in the input; 3 a threshold was not met; 130 interrupted.\n",
      HRE_VERSION, list);
}

/// A command to copy: where it is too wide, with a backslash at the ends of its lines.
std::string shell_lines(const std::string& command, int width) {
  std::string text, line = "  $";
  size_t n_words = 0;
  for (size_t at = 0; at < command.size(); ++n_words) {
    const size_t space = std::min(command.find(' ', at), command.size());
    const std::string word = " " + command.substr(at, space - at);
    if (n_words > 1 && display_width(line + word) > width - 2) {
      text += line + " \\\n";
      line = "     ";
    }
    line += word;
    at = space + 1;
  }
  return text + line;
}

}  // namespace

std::string command_help(CLI::App& app, const Command& command, bool all, int width) {
  const std::string example = "Example:\n" + shell_lines(command.example, width);
  app.footer("\n" + example);
  app.get_formatter()->column_width(kOptionColumns);
  app.get_formatter()->label("Positionals", "Arguments");
  app.get_formatter()->label("REQUIRED", "(required)");
  const std::vector<CLI::Option*> options =
      app.get_options([](CLI::Option* option) { return !is_positional(*option); });
  const bool are_few = options.size() <= kFewOptions;
  if (are_few) app.get_option("--help-all")->group("");
  size_t hidden = 0;
  for (CLI::Option* option : options) {
    if (are_few || option == app.get_help_ptr() || option == app.get_help_all_ptr()) continue;
    const bool grouped_by_command = option->get_group() != "Options";
    if (!grouped_by_command && assign_group(*option, everyday_groups())) continue;
    if (!grouped_by_command && !assign_group(*option, other_groups())) option->group("Other");
    if (all) continue;
    option->group("");
    ++hidden;
  }
  if (hidden > 0) app.footer(fmt::format("\n{} more options: hre {} --help-all\n\n{}", hidden, command.name, example));
  std::string text = wrapped(app.help(), width);
  for (size_t at = text.find("\n\n\n"); at != std::string::npos; at = text.find("\n\n\n")) text.erase(at, 1);
  return text;
}

Result<std::string> completion(const std::vector<Command>& commands, const std::string& shell) {
  if (shell == "bash") return bash_completion(commands);
  if (shell == "zsh") return zsh_completion(commands);
  if (shell == "fish") return fish_completion(commands);
  return fail(ErrorCode::kInput, "there is no completion for '" + shell + "'", "", "give bash, zsh or fish");
}

Status write_man_pages(const std::vector<Command>& commands, const std::string& folder) {
  const auto write = [&](const std::string& name, const std::string& text) {
    return write_file(folder + "/" + name + ".1", text);
  };
  if (Status written = write("hre", man_page_of_program(commands)); !written) return written;
  for (const Command& command : commands) {
    if (Status written = write(file_name(command), man_page(command)); !written) return written;
  }
  return {};
}

}  // namespace hre::cli
