// Every number that is shown comes out at its neutral value where what it is about plays no part, and recovers a known
// truth. At counts that take seconds; bench/stats_simulation.cc --calibration makes the whole table. Seeds are fixed.

#include <gtest/gtest.h>

#include <cmath>

#include "analysis/test_calibration.h"
#include "stats/contamination.h"

namespace hre {
namespace {

void expect_calibrated(const testing_calibration::Line& line) {
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

TEST(Calibration, NeutralValuesAndTruths) {
  for (int kind = 0; kind < 3; ++kind) {
    for (const auto& line : testing_calibration::calibrate(kind, 4000)) expect_calibrated(line);
  }
  for (const auto& line : testing_calibration::calibrate_ceiling(400)) expect_calibrated(line);
}

// Every metric's, over questions and over topics; bench/stats_simulation.cc has the whole table.
TEST(Calibration, IntervalsOfSummariesHold) {
  const testing_simulation::Effort effort{.simulations = 300, .draws = 200, .truth_questions = 30000};
  const double least = 0.93 - 3 * std::sqrt(0.05 * 0.95 / 300);
  for (const int kind : {1, 2}) {
    for (const auto& [name, coverage] :
         testing_calibration::summary_coverage({4, 0.5, 0.4, 0.15, kind}, {50, 25, 25}, effort)) {
      if (name == "Top-1, bootstrap") continue;  // Top-1 has an exact interval instead
      EXPECT_GE(coverage.held, least) << name << ' ' << kind;
      EXPECT_GT(coverage.given, 0.9) << name << ' ' << kind;
    }
    for (const auto& [name, coverage] : testing_calibration::summary_coverage(
             {4, 0.5, 0.4, 0.15, kind}, {5}, {.simulations = 100, .truth_questions = 2000})) {
      // Values that are all 0 or 1 have an exact interval for any number of them; of few pairs they often are.
      if (name != "Top-1" && !name.starts_with("Pairs that the")) {
        EXPECT_LT(coverage.given, 0.1) << name << ' ' << kind;
      }
    }
  }
}

// The products that the parts leave out: of one question with itself. With them, a third of the value would go through
// a length that plays no part in it.
TEST(Calibration, WouldNoticeTheUncorrectedPart) {
  testing_simulation::Simulator simulator(20250102);
  std::vector<CovariateProducts> products;
  double uncorrected = 0, value = 0;
  while (products.size() < 8000) {
    const auto one = testing_simulation::covariate_question(simulator, {4, 0, 0, 0.3, 0});
    products.push_back(*one);
    uncorrected += one->votes * one->scores / one->square;
    value += one->value;
  }
  EXPECT_NEAR(uncorrected / value, 1.0 / 3, 0.05);
  const ValueParts parts = value_parts(products, std::vector<size_t>{8000}, Weights::kQuestions);
  EXPECT_NEAR(*parts.through.mean / *parts.value.mean, 0, 0.01);
}

// Tokens whose surprise is exponential with mean 1: of many, the 20 % that surprise most have a mean of 1 + ln 5. A
// text that surprises half as much has half of it; lengths play no part from 50 tokens on.
TEST(Calibration, MinKPercentIsOfTheTextAndNotOfItsLength) {
  testing_simulation::Simulator simulator(20250103);
  const auto mean = [&](size_t tokens, double surprise) {
    const size_t texts = 400000 / tokens;
    double sum = 0;
    for (size_t text = 0; text < texts; ++text) {
      std::vector<float> log_probs(tokens);
      for (float& p : log_probs) p = static_cast<float>(surprise * std::log(1 - simulator.uniform()));
      sum += *min_k_percent(log_probs);
    }
    return sum / static_cast<double>(texts);
  };
  const double truth = -(1 + std::log(5.0));
  for (const size_t tokens : {50, 200, 1000}) EXPECT_NEAR(mean(tokens, 1), truth, 0.02 * -truth) << tokens;
  EXPECT_NEAR(mean(200, 0.5), truth / 2, 0.01 * -truth);
  EXPECT_NEAR(mean(10, 1), 0.93 * truth, 0.01 * -truth) << "short texts come out higher, as the documentation says";
}

}  // namespace
}  // namespace hre
