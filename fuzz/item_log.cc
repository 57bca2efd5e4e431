// Logs of other harnesses: no crash, bounded memory, and every item has a name and a finite value or none. The first
// byte chooses the format.
#include "eval/item_log.h"

#include <unistd.h>

#include <cmath>
#include <cstdlib>
#include <fstream>
#include <string>

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size == 0) return 0;
  constexpr const char* kSuffixes[] = {".jsonl", ".csv", ".eval", ".json", ".parquet"};
  const std::string path = "/tmp/hre-fuzz-log-" + std::to_string(getpid()) + kSuffixes[data[0] % std::size(kSuffixes)];
  std::ofstream(path, std::ios::binary)
      .write(reinterpret_cast<const char*>(data + 1), static_cast<std::streamsize>(size - 1));
  (void)hre::is_item_log(path);
  const auto run = hre::read_item_log(path, "");
  unlink(path.c_str());
  if (!run) {
    if (run.error().message.empty() || run.error().where.empty()) std::abort();
    return 0;
  }
  if (run->questions.empty() || run->item_metric.empty()) std::abort();
  for (const hre::QuestionResult& question : run->questions) {
    if (question.id.empty()) std::abort();
    if (question.metrics.item && !std::isfinite(*question.metrics.item)) std::abort();
    if (question.metrics.item.has_value() != (question.repeats.n > 0)) std::abort();
  }
  return 0;
}
