#pragma once
/// Other programs, run without a shell, so arguments are never interpreted.

#include <functional>
#include <stop_token>
#include <string>
#include <vector>

#include "hre/result.h"

namespace hre {

struct ProcessResult {
  int status = 0;      ///< its exit status; 128 + the signal that ended it
  std::string errors;  ///< the end of its standard error
};

/// What a program is started with.
struct ProcessSurroundings {
  std::string folder = {};                    ///< its working folder; empty: this process's
  std::string input = {};                     ///< its standard input
  std::vector<std::string> environment = {};  ///< "NAME=VALUE", beside this process's own variables
};

/// Runs a program (by path, or by name in PATH) and waits for it. Each line of its standard output goes to `line` when
/// it arrives. When `stop` is requested, the program is ended, and the result is kInterrupted.
Result<ProcessResult> run_process(const std::vector<std::string>& words,
                                  const std::function<void(const std::string&)>& line, const std::stop_token& stop,
                                  const ProcessSurroundings& surroundings = {});

/// Runs a program in a folder and waits for its end; its standard output is discarded. Fails if the program can't be
/// started or ends with a status other than 0; the message then quotes its standard error.
Status run_program(const std::vector<std::string>& words, const std::string& folder);

/// Whether a folder of PATH has a program of this name.
bool has_program(const std::string& name);

}  // namespace hre
