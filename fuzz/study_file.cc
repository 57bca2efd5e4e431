// Study files: no crash, and what is read is complete.
#include "cli/study_file.h"

#include <cstdlib>

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const auto study = hre::cli::parse_study_file({reinterpret_cast<const char*>(data), size}, "fuzz.toml");
  if (!study) {
    if (study.error().message.empty() || !study.error().where.starts_with("fuzz.toml")) std::abort();
    return 0;
  }
  if (study->members.empty()) std::abort();
  for (const auto& member : study->members) {
    if (member.run.empty() || member.family.empty() || (member.size && !(*member.size > 0))) std::abort();
  }
  for (const auto& judgements : study->judgements) {
    if (judgements.file.empty() || judgements.columns.empty()) std::abort();
  }
  return 0;
}
