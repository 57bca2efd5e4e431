#pragma once
/// Other programs: run without a shell, so that no text of an argument means anything.

#include <functional>
#include <stop_token>
#include <string>
#include <vector>

#include "hre/result.h"

namespace hre {

struct ProcessResult {
  int status = 0;      ///< its exit status; 128 + the signal that ended it
  std::string errors;  ///< the end of what it wrote to standard error
};

/// Runs a program (by path, or by name in PATH) and waits for it. Each line of its standard output goes to `line` as it
/// comes. Standard input is empty; the working folder is `folder`, or ours. When `stop` is asked, the program is ended,
/// and the result is kInterrupted.
Result<ProcessResult> run_process(const std::vector<std::string>& words,
                                  const std::function<void(const std::string&)>& line, const std::stop_token& stop,
                                  const std::string& folder = {});

/// Runs a program in a folder and waits for its end; its standard output is dropped. Fails where it cannot be started,
/// and where it ends with another status than 0: the message then has what it said on standard error.
Status run_program(const std::vector<std::string>& words, const std::string& folder);

/// Whether PATH has a program of this name.
bool has_program(const std::string& name);

}  // namespace hre
