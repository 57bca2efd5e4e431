#include "stats/least_squares.h"

#include <gtest/gtest.h>

#include <vector>

namespace hre {
namespace {

// statsmodels: OLS(y, add_constant(x)).fit(), get_prediction(...).conf_int()
TEST(LeastSquares, LineAndItsInterval) {
  const std::vector<double> x = {1, 2, 4, 7, 11}, y = {2, 1.5, 4, 3, 7.5};
  const auto line = least_squares(x, y);
  ASSERT_TRUE(line);
  EXPECT_NEAR(line->intercept, 0.986363636363637, 1e-12);
  EXPECT_NEAR(line->slope, 0.522727272727273, 1e-12);
  EXPECT_NEAR(line->error, 1.24711788949683, 1e-12);
  EXPECT_NEAR(line->interval(5).low, 1.82506034717239, 1e-8);
  EXPECT_NEAR(line->interval(12).high, 11.1120271169422, 1e-8);
}

TEST(LeastSquares, NeedsThreePointsApart) {
  EXPECT_FALSE(least_squares(std::vector<double>{1, 2}, std::vector<double>{1, 2}));
  EXPECT_FALSE(least_squares(std::vector<double>{3, 3, 3}, std::vector<double>{1, 2, 4}));
  const auto exact = least_squares(std::vector<double>{1, 2, 3}, std::vector<double>{2, 4, 6});
  EXPECT_EQ(exact->interval(10).low, 20);
}

}  // namespace
}  // namespace hre
