#pragma once
/// What compare, power and study share: how runs are compared, and which questions count.

#include <optional>
#include <string>
#include <vector>

#include "cli/command.h"
#include "stats/run_comparison.h"

namespace hre::cli {

struct ComparingOptions {
  std::string metric = "pearson";
  Weights weights = Weights::kQuestions;
  UndefinedPolicy undefined = UndefinedPolicy::kLeaveOut;
  int draws = 10000, permutations = 9999, threads = 0;
  uint64_t seed = 42;
  std::vector<std::string> where;
  std::string metadata;

  /// Adds the options to a command; without --threads, to one that has it already.
  void define(CLI::App& app);
  [[nodiscard]] Result<CompareOptions> compare_options() const;
  /// Leaves in the runs only the questions that --where wants.
  Status apply_where(std::vector<Run>& runs) const;
  Status apply_where(Dataset& dataset) const;
};

/// How many questions would have told two runs apart.
Decision decide_runs(std::span<const Run> runs, const CompareOptions& options);

/// Writes a result to its JSON file ("-": to standard output in the text's place) and the text to standard output.
Status write_result(const std::string& json_path, const std::string& json, const std::string& text, Console& console);

}  // namespace hre::cli
