/// hre power: what so many questions can tell.

#include <CLI/CLI.hpp>
#include <memory>
#include <ostream>

#include "cli/comparing.h"
#include "cli/run_argument.h"
#include "cli/store_argument.h"
#include "report/power_text.h"

namespace hre::cli {
namespace {

struct PowerArguments {
  std::vector<std::string> runs;
  ComparingOptions comparing;
  PowerOptions power;
  std::string json, store;
};

Status run_power_command(const PowerArguments& arguments, Console& console) {
  const ComparingOptions& c = arguments.comparing;
  auto compare = c.compare_options();
  if (!compare) return forward(compare);
  auto runs = load_runs(arguments.runs, arguments.store);
  if (!runs) return forward(runs);
  if (runs->size() > 2) return input_error("hre power takes one run or two, not " + std::to_string(runs->size()));
  if (auto ok = c.apply_where(*runs); !ok) return ok;
  if (auto ok = c.score.apply(*runs, arguments.store, true); !ok) return ok;
  PowerOptions options = arguments.power;
  options.compare = *compare;
  options.compare.allow_different = true;
  auto power = at_once(console, [&] { return run_power(pointers_to(*runs), options); });
  if (!power) return forward(power);
  return write_result(arguments.json, power_json(*power, c.where), power_text(*power, console.width), console);
}

}  // namespace

Action define_power(CLI::App& app) {
  auto a = std::make_shared<PowerArguments>();
  app.add_option("RUN", a->runs,
                 std::string("one run, or two runs to measure the correlation of their values") + kLogHelp)
      ->required()
      ->type_name("");
  app.add_option("--difference", a->power.difference, "a difference between two models' values that is to be detected")
      ->type_name("D")
      ->check(CLI::Range(-2.0, 2.0).description(""));
  app.add_option("--questions", a->power.questions, "number of questions (default: as many as the runs have)")
      ->type_name("N")
      ->check(CLI::Range(int64_t{2}, int64_t{1} << 40).description(""));
  app.add_option("--alpha", a->power.levels.alpha, "probability of a false positive (default 0.05)")
      ->type_name("P")
      ->check(CLI::Range(1e-9, 0.5).description(""));
  app.add_option("--power", a->power.levels.power, "probability of detecting the difference (default 0.8)")
      ->type_name("P")
      ->check(CLI::Range(0.5, 0.999999).description(""));
  a->comparing.define(app);
  add_store_option(app, a->store);
  app.add_option("--json", a->json, "write the result as JSON (format hre-power/1); - for standard output")
      ->type_name("FILE");
  return [a](Console& console) { return run_power_command(*a, console); };
}

}  // namespace hre::cli
