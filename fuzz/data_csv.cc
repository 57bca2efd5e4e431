// CSV tables: no crash, and every row has as many cells as there are columns.
#include <cstdlib>
#include <string_view>

#include "data/csv.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const auto table = hre::data::read_csv({reinterpret_cast<const char*>(data), size}, "fuzz.csv");
  if (!table) {
    if (table.error().message.empty() || table.error().where != "fuzz.csv") std::abort();
    return 0;
  }
  if (table->columns.empty()) std::abort();
  for (const auto& row : table->rows) {
    if (row.size() != table->columns.size()) std::abort();
  }
  return 0;
}
