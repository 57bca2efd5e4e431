#pragma once
/// Help in groups, completion for shells and man pages: all made from the table of commands and their options.

#include <string>
#include <vector>

#include "cli/command.h"
#include "hre/result.h"

namespace hre::cli {

/// A command's help. Commands with many options show those for every day, and `all` the rest too.
constexpr int kOptionColumns = 34;  ///< before descriptions
std::string command_help(CLI::App& app, const Command& command, bool all);

/// Lines no wider than `width` columns, broken between words under the options' descriptions; commands to copy stay
/// whole. 0: as they are.
std::string wrapped(const std::string& text, int width);

/// A completion script for "bash", "zsh" or "fish"; an input error for another shell.
Result<std::string> completion(const std::vector<Command>& commands, const std::string& shell);

/// hre.1, and hre-COMMAND.1 for each command, into a folder that exists.
Status write_man_pages(const std::vector<Command>& commands, const std::string& folder);

}  // namespace hre::cli
