/// hre runs repair: a new store from every readable part of a damaged one.

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <memory>
#include <ostream>

#include "cli/command.h"
#include "cli/store_argument.h"
#include "core/text.h"
#include "hre/store.h"

namespace hre::cli {
namespace {

Status repair(const std::string& given, Console& console) {
  auto path = existing_store(given);
  if (!path) return forward(path);
  auto repaired = repair_store(*path);
  if (!repaired) return forward(repaired);
  const std::string runs = counted(repaired->runs, "run"), questions = counted(repaired->questions, "question");
  if (repaired->damaged_copy.empty()) {
    console.print(
        fmt::format("{}: nothing is wrong with its {} and {}, so it stays as it is\n", *path, runs, questions));
    return {};
  }
  console.print(fmt::format("{}: {} and {} saved, {} lost; the damaged store is now {}\n", *path, runs, questions,
                            counted(repaired->lost_questions, "question"), repaired->damaged_copy));
  return {};
}

}  // namespace

Action define_runs_repair(CLI::App& app) {
  auto store = std::make_shared<std::string>();
  add_store_option(app, *store);
  return [store](Console& console) { return repair(*store, console); };
}

}  // namespace hre::cli
