#pragma once
/// The folder src/cli: the program: one file per command; main.cc holds the table of commands.
///
/// Not here: anything that a library's user or Python would want too: that belongs below.
/// Types:    `Command` is a row of the table; `Action` does the work once arguments are parsed; `Console` is where
///           output goes.
/// Owners:   a command owns its arguments; `Console` lives as long as the program.
/// Threads:  commands run on the main thread; a thread waits for signals and requests the stop.
/// To add:   a command: a file with its define_NAME, a declaration below, a row in main.cc with an example that runs.

/// Commands of the program: one file per command; main.cc holds the table, from which the help,
/// the examples and "did you mean" are made.

#include <atomic>
#include <functional>
#include <iosfwd>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "hre/result.h"

namespace CLI {
class App;
}

namespace hre::cli {

/// Where a command writes: results to `out`, everything else to `err`.
struct Console {
  std::ostream& out;
  std::ostream& err;
  bool out_is_terminal = false;
  bool err_is_terminal = false;
  int width = 80;            ///< columns that text for people may take: the terminal's, or 80
  std::stop_token stop;      ///< set by the first Ctrl-C
  int threshold_status = 3;  ///< exit status of ErrorCode::kThreshold; 4 where a gate is inconclusive

  /// Text for people: its lines are broken at `width`, and control characters shown. Results for programs go to `out`
  /// as they are.
  void print(std::string_view text);
};

/// While one is there, the first Ctrl-C ends the program at once. See at_once().
class EndsAtOnce {
 public:
  explicit EndsAtOnce(const std::stop_token& stop);
  ~EndsAtOnce() { --n_; }
  EndsAtOnce(const EndsAtOnce&) = delete;
  EndsAtOnce& operator=(const EndsAtOnce&) = delete;
  static bool any() { return n_ > 0; }
  /// Says that the command was interrupted, and ends with status 130.
  [[noreturn]] static void now();

 private:
  static inline std::atomic<int> n_ = 0;
};

/// Computes what keeps nothing and looks for no stop, such as statistics of stored values: Ctrl-C ends it at once.
template <typename Compute>
auto at_once(const Console& console, const Compute& compute) {
  const EndsAtOnce guard(console.stop);
  return compute();
}

/// What a command does once its arguments are parsed. An error becomes one line and the exit status.
using Action = std::function<Status(Console&)>;

struct Command {
  std::string name;                 ///< "eval", "data info"
  std::string summary;              ///< one line, lower case, no full stop
  std::string example;              ///< a worked example: a command line that runs as it stands
  Action (*define)(CLI::App& app);  ///< adds options and arguments to its app, and returns the action
};

Action define_demo(CLI::App& app);
Action define_eval(CLI::App& app);
Action define_compare(CLI::App& app);
Action define_gate(CLI::App& app);
Action define_study(CLI::App& app);
Action define_power(CLI::App& app);
Action define_confounds(CLI::App& app);
Action define_report(CLI::App& app);
Action define_show(CLI::App& app);
Action define_model_show(CLI::App& app);
Action define_model_tokens(CLI::App& app);
Action define_verify(CLI::App& app);
Action define_watch(CLI::App& app);
Action define_serve(CLI::App& app);
Action define_data_info(CLI::App& app);
Action define_data_build(CLI::App& app);
Action define_data_convert(CLI::App& app);
Action define_data_fetch(CLI::App& app);
Action define_model_fetch(CLI::App& app);
Action define_model_list(CLI::App& app);
Action define_model_remove(CLI::App& app);
Action define_runs_list(CLI::App& app);
Action define_runs_show(CLI::App& app);
Action define_runs_export(CLI::App& app);
Action define_runs_import(CLI::App& app);
Action define_runs_merge(CLI::App& app);
Action define_runs_remove(CLI::App& app);
Action define_runs_repair(CLI::App& app);

}  // namespace hre::cli
