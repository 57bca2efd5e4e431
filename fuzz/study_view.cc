// Studies (hre-study/1) from any bytes: read_study gives a study or an error, and never fails otherwise.

#include "report/study_view.h"

#include <cstdint>
#include <cstdlib>
#include <string_view>

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const auto study = hre::read_study({reinterpret_cast<const char*>(data), size}, "study.json");
  if (!study) return study.error().text().empty() ? (std::abort(), 0) : 0;
  // What figures rely on.
  for (const auto& judgement : study->judgements) {
    if (judgement.values.size() != study->members.size()) std::abort();
  }
  if (study->matrix.size() != study->columns.size()) std::abort();
  for (const auto& row : study->matrix) {
    if (row.size() != study->columns.size()) std::abort();
  }
  return 0;
}
