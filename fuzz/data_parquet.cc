// Parquet files: no crash, bounded memory, and rows that are what rows must be.
#include "data_rows.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  return read_rows(hre::data::read_parquet, data, size);
}
