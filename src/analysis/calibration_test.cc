// Every number that is shown comes out at its neutral value where what it is about plays no part, and recovers a known
// truth. At counts that take seconds; bench/stats_simulation.cc --calibration makes the whole table. Seeds are fixed.

#include <gtest/gtest.h>

#include "analysis/test_calibration.h"

namespace hre {
namespace {

TEST(Calibration, NeutralValuesAndTruths) {
  for (int kind = 0; kind < 3; ++kind) {
    for (const auto& line : testing_calibration::calibrate(kind, 4000)) {
      SCOPED_TRACE(line.quantity + ", " + line.votes);
      const double slack = 4 * line.error + line.room;
      for (const auto& value : line.null) {
        if (value) {
          EXPECT_NEAR(*value, line.neutral, slack);
        }
      }
      for (const auto& value : line.recovered) {
        // Ratios of spreads of few answers wander by some hundredths of the truth itself.
        if (value) {
          EXPECT_NEAR(*value, *line.truth, slack + 0.05 * std::abs(*line.truth));
        }
      }
    }
  }
}

// The products that the parts leave out: of one question with itself. With them, a third of the value would go through
// a length that plays no part in it.
TEST(Calibration, WouldNoticeTheUncorrectedPart) {
  const Summary summary = testing_calibration::summary_of({4, 0, 0, 0.3, 0}, 4000);
  const double uncorrected = *summary.micro.through_length.mean / *summary.micro.pearson.mean;
  EXPECT_NEAR(uncorrected, 1.0 / 3, 0.05);
  EXPECT_NEAR(*summary.micro_length.through.mean / *summary.micro_length.value.mean, 0, 0.01);
}

}  // namespace
}  // namespace hre
