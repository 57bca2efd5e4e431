#pragma once
/// What so many questions can tell of runs like these: what `hre power` shows.

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "analysis/comparison.h"
#include "stats/power.h"

namespace hre {

struct PowerOptions {
  CompareOptions compare;
  TestLevels levels;
  std::optional<double> difference;  ///< to be found
  std::optional<int64_t> questions;  ///< to be asked; nothing: as many as are there
};

struct PowerPoint {
  int64_t questions = 0;
  std::optional<double> detectable;  ///< the smallest difference that so many find with the power asked for
  std::optional<double> power;       ///< the chance that so many find the difference asked for
};

/// One assumption on how two runs' values go together over questions.
struct PowerCase {
  std::optional<double> correlation;  ///< of the two runs' values; nothing where one of them is constant
  double deviation = 0;               ///< of the differences, question by question
  std::optional<double> detectable;   ///< by the questions asked
  std::optional<int64_t> needed;      ///< questions for the difference asked for
  std::vector<PowerPoint> curve;
};

struct RunPower {
  PowerOptions options;
  UndefinedPolicy undefined_policy = UndefinedPolicy::kLeaveOut;
  std::vector<std::string> notes;
  std::vector<ComparedRun> runs;  ///< one, or two
  int64_t shared = 0, undefined = 0;
  int64_t questions = 0;                  ///< asked
  std::optional<PairedComparison> seen;   ///< of two runs
  QuestionsForEffect needed_for_seen;     ///< of two runs: what finds the difference seen again
  std::vector<PowerCase> cases;           ///< as seen for two runs; for one, assumed correlations with another such run
  std::vector<DetectionPoint> detection;  ///< of two runs, for the difference seen
};

/// One run or two. Input errors where they share no question, or too few to know a deviation.
Result<RunPower> run_power(std::span<const Run* const> runs, const PowerOptions& options);

}  // namespace hre
