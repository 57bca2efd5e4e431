#pragma once
/// Running another program.

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
/// comes. Standard input is empty. When `stop` is asked, the program is ended, and the result is kInterrupted.
Result<ProcessResult> run_process(const std::vector<std::string>& words,
                                  const std::function<void(const std::string&)>& line, const std::stop_token& stop);

}  // namespace hre
