#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstring>
#include <functional>
#include <numeric>
#include <thread>
#include <vector>

#include "model/llama/fast/node_work.h"
#include "model/llama/fast/products.h"
#include "model/speed.h"

namespace hre {
namespace {

using Clock = std::chrono::steady_clock;

constexpr double kSeconds = 0.2;
constexpr int kRounds = 3;

/// The rate of all threads together, in units of `step`'s result per second: each thread calls `step` over and over.
/// The best of a few rounds.
double best_rate(int threads, const std::function<std::function<double()>()>& make_step) {
  double best = 0;
  for (int round = 0; round < kRounds; ++round) {
    std::atomic<double> rate = 0;
    std::vector<std::jthread> all;
    for (int i = 0; i < threads; ++i) {
      all.emplace_back([&] {
        const auto step = make_step();
        step();  // warms the caches
        const auto start = Clock::now();
        double done = 0, seconds = 0;
        while (seconds < kSeconds) {
          done += step();
          seconds = std::chrono::duration<double>(Clock::now() - start).count();
        }
        rate += done / seconds;
      });
    }
    all.clear();
    best = std::max(best, rate.load());
  }
  return best;
}

/// Multiplies one block, with all data in the processor's caches.
std::function<double()> product_step(Precision precision) {
  struct Block {
    fast::Room a, packed, c;
  };
  auto block = std::make_shared<Block>();
  const fast::BlockShape shape{precision, 128, 1024};
  constexpr int64_t kRows = 96;
  const size_t stride = fast::row_bytes(precision, shape.k);
  const size_t bytes = static_cast<size_t>(kRows + fast::kSpareRows) * stride;
  std::memset(block->a.bytes(bytes), 0, bytes);
  const std::vector<float> rows(static_cast<size_t>(shape.n * shape.k), 0);  // zeros are also valid blocks of Q8_0
  const auto type = precision == Precision::kI16 ? fast::RowType::kQ8_0 : fast::RowType::kF32;
  fast::pack_block(shape, rows.data(), type, block->packed.bytes(fast::packed_bytes(shape)));
  block->c.floats(static_cast<size_t>(kRows * shape.n));
  return [block, shape, stride] {
    fast::multiply_block(shape, kRows, block->a.bytes(0), stride, block->packed.bytes(0), block->c.floats(0), shape.n);
    return 2.0 * static_cast<double>(kRows * shape.n * shape.k);
  };
}

/// Reads more memory than the caches hold.
std::function<double()> reading_step() {
  auto memory = std::make_shared<std::vector<uint64_t>>(size_t{8} << 20, 1);  // 64 MiB
  return [memory] {
    uint64_t sums[8] = {};
    for (size_t i = 0; i + 8 <= memory->size(); i += 8) {
      for (size_t lane = 0; lane < 8; ++lane) sums[lane] += (*memory)[i + lane];
    }
    volatile uint64_t kept = 0;
    for (const uint64_t sum : sums) kept = kept + sum;
    return static_cast<double>(memory->size() * sizeof(uint64_t));
  };
}

}  // namespace

const char* name_of(Precision precision) {
  switch (precision) {
    case Precision::kBf16:
      return "bf16";
    case Precision::kI14:
      return "int14";
    case Precision::kI16:
      return "int16";
    case Precision::kF32:
      break;
  }
  return "f32";
}

double PerPrecision::total() const { return std::accumulate(values_.begin(), values_.end(), 0.0); }

WorkCount& WorkCount::operator+=(const WorkCount& more) {
  seconds += more.seconds;
  for (const Precision precision : kPrecisions) operations[precision] += more.operations[precision];
  return *this;
}

WorkCount& WorkCount::operator-=(const WorkCount& less) {
  seconds -= less.seconds;
  for (const Precision precision : kPrecisions) operations[precision] -= less.operations[precision];
  return *this;
}

EngineWork& EngineWork::operator+=(const EngineWork& more) {
  products += more.products;
  attention += more.attention;
  output += more.output;
  host_seconds += more.host_seconds;
  total_seconds += more.total_seconds;
  return *this;
}

EngineWork& EngineWork::operator-=(const EngineWork& less) {
  products -= less.products;
  attention -= less.attention;
  output -= less.output;
  host_seconds -= less.host_seconds;
  total_seconds -= less.total_seconds;
  return *this;
}

MachinePeak measure_machine(int threads) {
  MachinePeak peak;
  const auto products = [&](Precision precision) {
    if (!fast::can_multiply(precision)) return 0.0;
    return best_rate(threads, [precision] { return product_step(precision); });
  };
  for (const Precision precision : kPrecisions) peak.products[precision] = products(precision);
  peak.memory = best_rate(threads, reading_step);
  return peak;
}

}  // namespace hre
