#include "cli/run_argument.h"

#include <fmt/format.h>

#include "core/files.h"
#include "report/run_json.h"

namespace hre::cli {
namespace {

Result<std::vector<Run>> runs_of_file(const std::string& path) {
  auto text = read_file(path);
  if (!text) {
    text.error().next = "RUN is a JSON file that hre eval --json FILE --details wrote";
    return forward(text);
  }
  return read_runs_json(*text, path);
}

}  // namespace

Result<Run> load_run(const std::string& argument) {
  auto runs = runs_of_file(argument);
  if (!runs) return forward(runs);
  if (runs->size() > 1)
    return input_error(fmt::format("holds {} runs, and one is wanted here", runs->size()), argument);
  return std::move(runs->front());
}

Result<std::vector<Run>> load_runs(const std::vector<std::string>& arguments) {
  std::vector<Run> all;
  for (const std::string& argument : arguments) {
    auto runs = runs_of_file(argument);
    if (!runs) return forward(runs);
    std::move(runs->begin(), runs->end(), std::back_inserter(all));
  }
  return all;
}

}  // namespace hre::cli
