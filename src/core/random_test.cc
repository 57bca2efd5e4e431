#include "core/random.h"

#include <gmock/gmock.h>

namespace hre {
namespace {

using testing::ElementsAre;

TEST(PythonRandom, PublishedOrderOfFiveHundred) {
  const auto order = PythonRandom(42).shuffled_indices(500);
  EXPECT_THAT(std::vector(order.begin(), order.begin() + 10),
              ElementsAre(164, 383, 45, 156, 53, 72, 315, 209, 74, 333));
  EXPECT_THAT(std::vector(order.end() - 3, order.end()), ElementsAre(12, 57, 327));
}

// From CPython 3.11: x = list(range(10)); random.Random(SEED).shuffle(x)
TEST(PythonRandom, OtherSeeds) {
  EXPECT_THAT(PythonRandom(0).shuffled_indices(10), ElementsAre(7, 8, 1, 5, 3, 4, 2, 0, 9, 6));
  EXPECT_THAT(PythonRandom(12345678901234).shuffled_indices(10), ElementsAre(9, 1, 7, 5, 4, 3, 6, 2, 8, 0));
  EXPECT_THAT(PythonRandom(18446744073709551615U).shuffled_indices(10), ElementsAre(2, 6, 7, 9, 8, 1, 4, 5, 3, 0));
}

TEST(PythonRandom, SmallLists) {
  EXPECT_TRUE(PythonRandom(42).shuffled_indices(0).empty());
  EXPECT_THAT(PythonRandom(42).shuffled_indices(1), ElementsAre(0));
}

}  // namespace
}  // namespace hre
