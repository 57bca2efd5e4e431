#include "core/random.h"

#include <bit>
#include <numeric>
#include <sstream>
#include <utility>

namespace hre {
namespace {

// init_by_array of Matsumoto and Nishimura's mt19937ar.c, as CPython seeds with the words of |seed|.
std::mt19937 seeded(uint64_t seed) {
  constexpr size_t kWords = 624;
  std::vector<uint32_t> key = {static_cast<uint32_t>(seed)};
  if (seed >> 32) key.push_back(static_cast<uint32_t>(seed >> 32));

  std::vector<uint32_t> state(kWords);
  state[0] = 19650218U;
  for (uint32_t i = 1; i < kWords; ++i) state[i] = 1812433253U * (state[i - 1] ^ (state[i - 1] >> 30)) + i;

  size_t i = 1;
  const auto step = [&](uint32_t factor, uint32_t plus) {
    state[i] = (state[i] ^ ((state[i - 1] ^ (state[i - 1] >> 30)) * factor)) + plus;
    if (++i == kWords) {
      state[0] = state[kWords - 1];
      i = 1;
    }
  };
  for (size_t k = 0; k < kWords; ++k) {
    const size_t j = k % key.size();
    step(1664525U, key[j] + static_cast<uint32_t>(j));
  }
  for (size_t k = 0; k < kWords - 1; ++k) step(1566083941U, -static_cast<uint32_t>(i));
  state[0] = 0x80000000U;

  // The standard defines an engine's text form: its state words; libstdc++ appends the position.
  std::stringstream text;
  for (const uint32_t word : state) text << word << ' ';
  text << kWords;  // all words count as used, so the first draw makes new ones
  std::mt19937 generator;
  text >> generator;
  return generator;
}

}  // namespace

PythonRandom::PythonRandom(uint64_t seed) : generator_(seeded(seed)) {}

uint64_t PythonRandom::below(uint64_t n) {
  const int bits = std::bit_width(n);
  uint64_t draw = 0;
  do draw = generator_() >> (32 - bits);
  while (draw >= n);
  return draw;
}

std::vector<size_t> PythonRandom::shuffled_indices(size_t n) {
  std::vector<size_t> order(n);
  std::iota(order.begin(), order.end(), size_t{0});
  for (size_t i = n; i-- > 1;) std::swap(order[i], order[below(i + 1)]);
  return order;
}

}  // namespace hre
