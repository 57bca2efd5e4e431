#include "stats/random.h"

#include <gtest/gtest.h>

#include <atomic>
#include <cmath>
#include <vector>

#include "stats/parallel.h"
#include "stats/test_table.h"

namespace hre {
namespace {

using testing_tables::read_table;

TEST(Random, PhiloxAsInNumpy) {
  const auto rows = read_table("philox");
  ASSERT_GE(rows.size(), 200U);
  for (const auto& row : rows) {
    const auto counter = row.list<uint64_t>("counter");
    const auto key = row.list<uint64_t>("key");
    const auto block = philox({counter[0], counter[1], counter[2], counter[3]}, {key[0], key[1]});
    EXPECT_EQ(std::vector(block.begin(), block.end()), row.list<uint64_t>("words")) << row.place;
  }
}

TEST(Random, StreamIsItsBlocks) {
  RandomStream stream(7, RandomPurpose::kModels, 11, 13);
  for (uint64_t i = 0; i < 3; ++i) {
    const std::array<uint64_t, 2> key = {7, static_cast<uint64_t>(RandomPurpose::kModels)};
    for (const uint64_t word : philox({i, 13, 11, 0}, key)) EXPECT_EQ(stream.next(), word);
  }
}

TEST(Random, UniformNumbersAreUniform) {
  RandomStream stream(42, RandomPurpose::kSimulation);
  constexpr int kDraws = 60000;
  std::vector<int> counts(6);
  double sum = 0;
  for (int i = 0; i < kDraws; ++i) {
    ++counts.at(stream.below(6));
    const double u = stream.uniform();
    ASSERT_GE(u, 0);
    ASSERT_LT(u, 1);
    sum += u;
  }
  for (const int count : counts) EXPECT_NEAR(count, kDraws / 6, 4 * std::sqrt(kDraws / 6.0));
  EXPECT_NEAR(sum / kDraws, 0.5, 4 * std::sqrt(1.0 / 12 / kDraws));
}

TEST(Random, ChunksCoverAllOnce) {
  for (const int threads : {0, 1, 2, 3, 16}) {
    for (const size_t n : {0, 1, 2, 7, 100}) {
      std::vector<std::atomic<int>> visits(n);
      in_chunks(n, threads, [&](size_t begin, size_t end) {
        for (size_t i = begin; i < end; ++i) ++visits[i];
      });
      for (const auto& count : visits) EXPECT_EQ(count, 1);
    }
  }
}

}  // namespace
}  // namespace hre
