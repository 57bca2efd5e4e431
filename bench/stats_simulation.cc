// Do intervals, tests and confidence sequences hold what they claim? The full counts of what the unit tests check:
//
//   bench_stats_simulation [--quick]
//
// Prints each share beside the bounds it is held to, and ends with 1 where one is missed. The quick counts have bounds
// that are wider by three of their standard errors.

#include <fmt/core.h>

#include <algorithm>
#include <cmath>
#include <cstring>

#include "stats/test_simulation.h"

namespace {

using namespace hre;
using namespace testing_simulation;

bool all_held = true;
double slack = 0;  // of a bound, for the simulation's own error

void report(const std::string& what, double share, double least, double most) {
  least = std::max(0.0, least - slack);
  most += slack;
  const bool held = least <= share && share <= most;
  all_held = all_held && held;
  fmt::print("{:<62} {:7.2f} %   {:.1f} to {:.1f} %   {}\n", what, 100 * share, 100 * least, 100 * most,
             held ? "held" : "MISSED");
  std::fflush(stdout);
}

}  // namespace

int main(int argc, char** argv) {
  const bool quick = argc > 1 && std::strcmp(argv[1], "--quick") == 0;
  const Effort effort = quick ? Effort{500, 500, 100000} : Effort{10000, 2000, 1000000};
  const Effort sequences = quick ? Effort{200, 0, 100000} : Effort{2000, 0, 1000000};
  if (quick) slack = 3 * std::sqrt(0.05 * 0.95 / sequences.simulations);
  fmt::print("{} simulations, {} for sequences\n", effort.simulations, sequences.simulations);

  for (const auto& [n, topics] : {std::pair<size_t, size_t>{30, 1}, {30, 5}, {100, 5}, {500, 10}}) {
    const std::string shape = fmt::format("n = {} in {} topics", n, topics);
    report("coverage, bootstrap, " + shape, bootstrap_coverage(n, topics, effort), 0.93, 0.97);
    if (topics == 1) report("coverage, Student, " + shape, student_coverage(n, topics, effort), 0.93, 0.97);
  }
  for (const size_t n : {100, 500}) {
    report(fmt::format("coverage, Student, n = {} in 1 topics", n), student_coverage(n, 1, effort), 0.93, 0.97);
  }
  for (const size_t n : {30, 100, 500}) {
    report(fmt::format("coverage, paired bootstrap, n = {}", n), paired_coverage(n, effort), 0.93, 0.97);
  }
  for (const size_t n : {8, 30, 100, 500}) {
    Effort test = effort;
    test.draws = 999;
    report(fmt::format("false positives of the paired test at 5 %, n = {}", n), false_positives(n, test), 0, 0.055);
  }
  report("confidence sequence ever wrong, 1400 questions of 14 topics", sequence_errors(1400, 14, sequences), 0, 0.05);
  report("confidence sequence ever wrong, 1000 questions of one topic", sequence_errors(1000, 1, sequences), 0, 0.05);
  report("equal models ever decided, 1000 questions", paired_sequence_errors(1000, sequences), 0, 0.05);
  return all_held ? 0 : 1;
}
