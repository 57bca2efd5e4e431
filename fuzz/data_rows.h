#pragma once
// What the fuzz targets of Arrow's formats share.
#include <cmath>
#include <cstdlib>
#include <memory>
#include <string>
#include <string_view>

#include "core/text.h"
#include "data/arrow_reader.h"

// The system's allocator instead of Arrow's own, so that the sanitizer sees what is out of bounds.
extern "C" inline int LLVMFuzzerInitialize(int*, char***) { return setenv("ARROW_DEFAULT_MEMORY_POOL", "system", 1); }

inline void require_row(const hre::data::Row& row) {
  const auto is_text = [](const std::string& text) { return !hre::find_invalid_utf8(text).has_value(); };
  bool good =
      is_text(row.text) && (!row.id || (is_text(*row.id) && !row.id->empty())) && (!row.topic || is_text(*row.topic));
  for (const hre::Answer& answer : row.answers) good = good && is_text(answer.text) && std::isfinite(answer.votes);
  if (!good) std::abort();
}

template <class Read>
int read_rows(Read read, const uint8_t* data, size_t size) {
  constexpr int64_t kMemory = int64_t{64} << 20;
  constexpr int kRows = 10'000;  // a few bytes may stand for very many equal rows
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  const auto reader = read(bytes, "fuzz", kMemory);
  if (!reader) return 0;
  for (int i = 0; i < kRows; ++i) {
    const auto row = (*reader)->next();
    if (!row || !*row) return 0;
    require_row(**row);
  }
  return 0;
}
