// Pickled pairs: no crash, and what is read is what was written.
#include <bit>
#include <cmath>
#include <cstdlib>

#include "store/pickle.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const auto value = hre::store::read_pickled_score({reinterpret_cast<const char*>(data), size});
  if (!value) return 0;
  const auto again = hre::store::read_pickled_score(hre::store::pickled_score(*value));
  if (!again || std::bit_cast<uint64_t>(*again) != std::bit_cast<uint64_t>(*value)) std::abort();
  return 0;
}
