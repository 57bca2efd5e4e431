#include "model/mpi/liveness.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace hre::mpi {
namespace {

using std::chrono::seconds;
using testing::ElementsAre;
using testing::IsEmpty;

const Liveness::Time kBegin{};

/// Looks every second up to a time; what was found.
std::vector<size_t> look_until(Liveness& liveness, int from, int until) {
  std::vector<size_t> all;
  for (int second = from; second <= until; ++second) {
    for (const size_t one : liveness.look(kBegin + seconds(second))) all.push_back(one);
  }
  return all;
}

TEST(Liveness, SilentOnesAreLostOnceAndForGood) {
  Liveness liveness(3, seconds(10), kBegin);
  EXPECT_THAT(look_until(liveness, 1, 6), IsEmpty());
  liveness.heard(1, kBegin + seconds(6));
  EXPECT_THAT(look_until(liveness, 7, 10), IsEmpty()) << "not yet: patience is kept to its end";
  EXPECT_THAT(look_until(liveness, 11, 16), ElementsAre(0, 2));
  EXPECT_THAT(look_until(liveness, 17, 30), ElementsAre(1));
  liveness.heard(2, kBegin + seconds(30));
  EXPECT_THAT(look_until(liveness, 31, 35), IsEmpty());
  EXPECT_TRUE(liveness.lost(2)) << "its work was given to others";
  EXPECT_TRUE(liveness.any_lost());
}

TEST(Liveness, WhatIsKnownToBeLostIsFoundAtTheNextLook) {
  Liveness liveness(2, seconds(10), kBegin);
  EXPECT_FALSE(liveness.any_lost());
  liveness.lose(1);
  liveness.heard(1, kBegin + seconds(1));
  EXPECT_THAT(liveness.look(kBegin + seconds(1)), ElementsAre(1));
  EXPECT_FALSE(liveness.lost(0));
}

TEST(Liveness, AnAbsenceOfTheObserverIsNobodysSilence) {
  Liveness liveness(2, seconds(10), kBegin);
  EXPECT_THAT(look_until(liveness, 1, 3), IsEmpty());
  EXPECT_THAT(liveness.look(kBegin + seconds(1000)), IsEmpty());
  liveness.heard(0, kBegin + seconds(1001));
  EXPECT_THAT(look_until(liveness, 1001, 1011), ElementsAre(1)) << "silent since";
}

}  // namespace
}  // namespace hre::mpi
