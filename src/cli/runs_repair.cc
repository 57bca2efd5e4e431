/// hre runs repair: what can be read of a damaged store.

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <memory>
#include <ostream>

#include "cli/command.h"
#include "cli/store_argument.h"
#include "hre/store.h"

namespace hre::cli {
namespace {

Status repair(const std::string& given, Console& console) {
  auto path = existing_store(given);
  if (!path) return forward(path);
  auto repaired = repair_store(*path);
  if (!repaired) return forward(repaired);
  console.out << fmt::format("{}: {} runs and {} questions saved, {} questions lost; the damaged store is now {}\n",
                             *path, repaired->runs, repaired->questions, repaired->lost_questions,
                             repaired->damaged_copy);
  return {};
}

}  // namespace

Action define_runs_repair(CLI::App& app) {
  auto store = std::make_shared<std::string>();
  add_store_option(app, *store);
  return [store](Console& console) { return repair(*store, console); };
}

}  // namespace hre::cli
