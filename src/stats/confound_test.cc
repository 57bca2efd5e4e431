#include "stats/confound.h"

#include <gtest/gtest.h>

#include <cmath>

#include "stats/correlation.h"
#include "stats/test_table.h"

namespace hre {
namespace {

using testing_tables::near;
using testing_tables::read_table;
using Values = std::vector<double>;

/// Of the questions that a row of a table lists.
std::vector<CovariateProducts> products_of(const testing_tables::Row& row) {
  const Values value = row.numbers("values"), votes = row.numbers("votes"), scores = row.numbers("scores"),
               square = row.numbers("squares");
  std::vector<CovariateProducts> products;
  for (size_t i = 0; i < value.size(); ++i) products.push_back({value[i], votes[i], scores[i], square[i]});
  return products;
}

TEST(Confound, ProductsOfOneQuestion) {
  const Values votes = {5, 3, 0, 1}, scores = {1, 2, 0, 0}, z = {2, 2, 1, 3};
  const auto products = covariate_products(votes, scores, z);
  ASSERT_TRUE(products);
  EXPECT_DOUBLE_EQ(products->value, *pearson(votes, scores));
  EXPECT_DOUBLE_EQ(products->square, 2.0 / 3);
  EXPECT_NEAR(products->votes, *pearson(votes, z) * std::sqrt(2.0 / 3), 1e-14);
  EXPECT_NEAR(products->scores, *pearson(scores, z) * std::sqrt(2.0 / 3), 1e-14);
  EXPECT_FALSE(covariate_products(Values{1, 1}, Values{1, 2}, Values{1, 2}));
  EXPECT_FALSE(covariate_products(Values{1, 2}, Values{1, 2}, Values{-INFINITY, 2}));
  EXPECT_EQ(covariate_products(Values{1, 2}, Values{1, 2}, Values{2, 2})->votes, 0);
}

TEST(Confound, PartsAsByTheDefinition) {
  const auto rows = read_table("parts");
  ASSERT_GE(rows.size(), 200U);
  for (const auto& row : rows) {
    SCOPED_TRACE(row.place);
    const std::vector<CovariateProducts> products = products_of(row);
    const Weights weights = row.text("weights") == "topics" ? Weights::kTopics : Weights::kQuestions;
    const ValueParts parts = value_parts(products, row.list<size_t>("sizes"), weights);
    EXPECT_TRUE(near(parts.through.mean, row.number("through"), 1e-10));
    EXPECT_TRUE(near(parts.through.stderr_, row.number("through_stderr"), 1e-10));
    EXPECT_TRUE(near(parts.beyond.mean, row.number("beyond"), 1e-10));
    EXPECT_TRUE(near(parts.beyond.stderr_, row.number("beyond_stderr"), 1e-10));
    EXPECT_NEAR(*parts.through.mean + *parts.beyond.mean, *parts.value.mean, 1e-12);
    if (parts.share) {
      EXPECT_NEAR(*parts.share, *parts.through.mean / *parts.value.mean, 1e-12);
    }
  }
}

TEST(Confound, SharesByNumericalDerivativesAndSlopesAsInStatsmodels) {
  const auto rows = read_table("parts_share");
  ASSERT_GE(rows.size(), 20U);
  size_t clear = 0, shares = 0;
  for (const auto& row : rows) {
    SCOPED_TRACE(row.place);
    const std::vector<CovariateProducts> products = products_of(row);
    const ValueParts parts = value_parts(products, std::vector<size_t>{products.size()}, Weights::kQuestions);
    EXPECT_EQ(parts.through.ci_low.has_value(), row.text("clear") == "1");
    EXPECT_TRUE(near(parts.share, row.number("share"), 1e-9));
    ASSERT_EQ(parts.share_interval.has_value(), row.number("low").has_value());
    clear += parts.through.ci_low ? 1 : 0;
    if (!parts.share_interval) continue;
    ++shares;
    EXPECT_TRUE(near(parts.share_interval->low, row.number("low"), 1e-6));
    EXPECT_TRUE(near(parts.share_interval->high, row.number("high"), 1e-6));
  }
  EXPECT_TRUE(clear > 0 && clear < rows.size() && shares > 0) << clear << ' ' << shares;
}

TEST(Confound, NoPartsWithoutPairsOrSpread) {
  const size_t one[] = {1}, two[] = {2};
  EXPECT_FALSE(value_parts({}, {}, Weights::kQuestions).value.mean);
  EXPECT_FALSE(value_parts(std::vector<CovariateProducts>{{0.5, 1, 1, 1}}, one, Weights::kQuestions).through.mean);
  const std::vector<CovariateProducts> constant = {{0.5, 0, 0, 0}, {0.7, 0, 0, 0}};
  EXPECT_FALSE(value_parts(constant, two, Weights::kQuestions).through.mean);
  EXPECT_DOUBLE_EQ(*value_parts(constant, two, Weights::kQuestions).value.mean, 0.6);
}

TEST(Confound, IntervalsAndSharesNeedQuestions) {
  const auto parts_of = [](size_t n, double odd) {
    std::vector<CovariateProducts> products(n, {0.5, 0.3, 0.4, 1});
    for (size_t i = 1; i < n; i += 2) products[i] = {odd, 0.2, 0.1, 1};
    return value_parts(products, std::vector<size_t>{n}, Weights::kQuestions);
  };
  EXPECT_FALSE(parts_of(49, 0.2).through.ci_low || parts_of(49, 0.2).beyond.ci_low);
  EXPECT_TRUE(parts_of(50, 0.2).through.ci_low && parts_of(50, 0.2).beyond.ci_low);
  EXPECT_FALSE(parts_of(99, 0.2).share);
  ASSERT_TRUE(parts_of(100, 0.2).share_interval);
  EXPECT_TRUE(parts_of(100, 0.2).share_interval->contains(*parts_of(100, 0.2).share));
  EXPECT_FALSE(parts_of(100, -0.5).share) << "of a value that may be 0";

  // Slopes of 0.5 +- 1 / sqrt(n) over votes, and of none over scores: four standard errors are reached at 64 questions.
  const auto unclear = [](size_t n) {
    std::vector<CovariateProducts> products;
    for (size_t i = 0; i < n; ++i) products.push_back({0.5, i % 2 == 0 ? 1.5 : -0.5, i % 4 < 2 ? 1.0 : -1.0, 1});
    return value_parts(products, std::vector<size_t>{n}, Weights::kQuestions);
  };
  EXPECT_FALSE(unclear(60).through.ci_low || unclear(60).through.ci_high);
  EXPECT_TRUE(unclear(60).beyond.ci_low);
  EXPECT_TRUE(unclear(68).through.ci_low && unclear(68).through.ci_high);
}

}  // namespace
}  // namespace hre
