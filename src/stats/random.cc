#include "stats/random.h"

namespace hre {
namespace {

__extension__ using uint128 = unsigned __int128;

uint64_t high(uint128 product) { return static_cast<uint64_t>(product >> 64); }
uint64_t low(uint128 product) { return static_cast<uint64_t>(product); }

}  // namespace

std::array<uint64_t, 4> philox(std::array<uint64_t, 4> counter, std::array<uint64_t, 2> key) {
  constexpr int kRounds = 10;
  for (int round = 0; round < kRounds; ++round) {
    const uint128 a = uint128{0xD2E7470EE14C6C93} * counter[0];
    const uint128 b = uint128{0xCA5A826395121157} * counter[2];
    counter = {high(b) ^ counter[1] ^ key[0], low(b), high(a) ^ counter[3] ^ key[1], low(a)};
    key[0] += 0x9E3779B97F4A7C15;
    key[1] += 0xBB67AE8584CAA73B;
  }
  return counter;
}

RandomStream::RandomStream(uint64_t seed, RandomPurpose purpose, uint64_t major, uint64_t minor)
    : counter_{0, minor, major, 0}, key_{seed, static_cast<uint64_t>(purpose)} {}

uint64_t RandomStream::next() {
  if (used_ == 4) {
    block_ = philox(counter_, key_);
    ++counter_[0];
    used_ = 0;
  }
  return block_[used_++];
}

uint64_t RandomStream::below(uint64_t n) { return high(uint128{next()} * n); }

double RandomStream::uniform() { return static_cast<double>(next() >> 11) * 0x1p-53; }

}  // namespace hre
