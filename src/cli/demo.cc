/// hre demo: an evaluation that needs nothing downloaded.

#include <CLI/CLI.hpp>
#include <memory>
#include <ostream>

#include "cli/evaluation.h"
#include "cli/progress.h"

namespace hre::cli {

Action define_demo(CLI::App& app) {
  auto quiet = std::make_shared<bool>(false);
  app.add_flag("--quiet", *quiet, "no progress");
  return [quiet](Console& console) -> Status {
    auto dataset = load_dataset("sample");
    if (!dataset) return forward(dataset);
    auto progress = make_progress(console, *quiet);
    Evaluation evaluation =
        evaluate_models({"baseline:length", "baseline:zstd"}, *dataset, {}, {}, {}, console, *progress);
    print_evaluation(evaluation, console);
    console.out
        << "\nThese are controls without a language model: what an answer's length, and a compressor, make of the\n"
           "built-in questions. A language model goes in their place: hre eval MODEL.gguf --data sample\n";
    return std::move(evaluation.failure);
  };
}

}  // namespace hre::cli
