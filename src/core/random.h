#pragma once
/// CPython's random numbers, so that hre draws the same order as Python.

#include <cstdint>
#include <random>
#include <vector>

namespace hre {

/// Python's random.Random(seed): MT19937 initialised by the seed's 32-bit words (init_by_array).
class PythonRandom {
 public:
  explicit PythonRandom(uint64_t seed);
  /// randrange(n): uniform on [0, n) by rejection on the top bits; 0 < n < 2^32.
  uint64_t below(uint64_t n);
  /// The order into which random.Random(seed).shuffle brings the list [0, 1, ..., n - 1].
  std::vector<size_t> shuffled_indices(size_t n);

 private:
  std::mt19937 generator_;
};

}  // namespace hre
