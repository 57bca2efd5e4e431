#pragma once
/// Help in groups, completion for shells and man pages: all made from the table of commands and their options.

#include <string>
#include <vector>

#include "cli/command.h"
#include "hre/result.h"

namespace hre::cli {

constexpr int kOptionColumns = 34;  ///< before descriptions

/// A command's help, in lines of at most `width` columns. Commands with many options show those for every day, and
/// `all` the rest too.
std::string command_help(CLI::App& app, const Command& command, bool all, int width);

/// A completion script for "bash", "zsh" or "fish"; an input error for another shell.
Result<std::string> completion(const std::vector<Command>& commands, const std::string& shell);

/// hre.1, and hre-COMMAND.1 for each command, into a folder that exists.
Status write_man_pages(const std::vector<Command>& commands, const std::string& folder);

}  // namespace hre::cli
