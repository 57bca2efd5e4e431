#pragma once
/// Random numbers that depend on a seed and a counter alone: Philox4x64-10 (Salmon, Moraes, Dror and Shaw,
/// "Parallel random numbers: as easy as 1, 2, 3", SC 2011). Draw 7 is the same numbers whichever thread makes it,
/// and on every platform. numpy.random.Philox gives the same blocks.

#include <array>
#include <cstdint>

namespace hre {

/// One block: four words from a counter and a key.
std::array<uint64_t, 4> philox(std::array<uint64_t, 4> counter, std::array<uint64_t, 2> key);

/// What numbers are drawn for; no two share a stream.
enum class RandomPurpose : uint64_t {
  kBootstrap = 1,
  kSignFlips = 2,
  kPairings = 3,
  kLabels = 4,
  kModels = 5,
  kSimulation = 7,
  kTurns = 8,
  kCeiling = 9,
  kFlatTrainings = 10,
};

/// The words of the blocks (0, minor, major, 0), (1, minor, major, 0), ... under the key (seed, purpose).
/// A value; each draw makes its own.
class RandomStream {
 public:
  RandomStream(uint64_t seed, RandomPurpose purpose, uint64_t major = 0, uint64_t minor = 0);
  uint64_t next();
  /// Uniform on [0, n), 0 < n: the upper half of next() * n. A number's share is off by less than n / 2^64.
  uint64_t below(uint64_t n);
  /// Uniform on [0, 1), a multiple of 2^-53.
  double uniform();

 private:
  std::array<uint64_t, 4> counter_;
  std::array<uint64_t, 2> key_;
  std::array<uint64_t, 4> block_{};
  int used_ = 4;
};

}  // namespace hre
