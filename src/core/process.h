#pragma once
/// Other programs: run without a shell, so that no text of an argument means anything.

#include <string>
#include <vector>

#include "hre/result.h"

namespace hre {

/// Runs a program, found by PATH, in a folder, with nothing on its standard input, and waits for its end. Standard
/// output is dropped. Fails where it cannot be started, and where it ends with another status than 0: the message then
/// has the beginning of what it said on standard error.
Status run_program(const std::vector<std::string>& arguments, const std::string& folder);

/// Whether PATH has a program of this name.
bool has_program(const std::string& name);

}  // namespace hre
