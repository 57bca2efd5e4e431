// hre-run/1: no crash, and a run that is read is the same after it was written and read again; all
// that is read with its questions is read without asking for them.
#include "report/run_json.h"

#include <cstdlib>

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const auto any = hre::read_runs_or_means_json({reinterpret_cast<const char*>(data), size}, "fuzz.json");
  if (any) {
    for (const hre::ReadRun& one : *any) {
      if (one.summary && !one.run.questions.empty()) std::abort();
    }
  }
  const auto runs = hre::read_runs_json({reinterpret_cast<const char*>(data), size}, "fuzz.json");
  if (runs && !any) std::abort();
  if (!runs) return 0;
  for (const hre::Run& run : *runs) {
    const std::string text = hre::run_json(run, hre::summarize(run.questions, {.draws = 0}), true);
    const auto again = hre::read_runs_json(text, "again.json");
    if (!again || hre::run_json(again->front(), hre::summarize(again->front().questions, {.draws = 0}), true) != text)
      std::abort();
  }
  return 0;
}
