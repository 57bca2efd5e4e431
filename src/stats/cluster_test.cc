#include "stats/cluster.h"

#include <gtest/gtest.h>

#include "stats/test_table.h"

namespace hre {
namespace {

using testing_tables::near;
using testing_tables::read_table;
using Values = std::vector<double>;

ClusteredMean plain_mean(const Values& values, const ClusterLabels& labels, const BootstrapOptions& options) {
  return clustered_mean(values, Values(values.size(), 1 / static_cast<double>(values.size())), labels, options);
}

TEST(Cluster, AsInStatsmodelsAndByTheDefinition) {
  const auto rows = read_table("clusters");
  ASSERT_GE(rows.size(), 200U);
  for (const auto& row : rows) {
    SCOPED_TRACE(row.place);
    ClusterLabels labels;
    for (const std::string& one : testing_tables::split(row.text("labels"), ';')) {
      std::istringstream words(one);
      labels.emplace_back(std::istream_iterator<size_t>(words), std::istream_iterator<size_t>());
    }
    const ClusteredMean result = plain_mean(row.numbers("values"), labels, {.draws = 50, .threads = 1});
    EXPECT_EQ(result.clusters, static_cast<int64_t>(row.whole("clusters")));
    EXPECT_TRUE(near(result.effective, row.number("effective"), 1e-12));
    EXPECT_TRUE(near(result.estimate.stderr_, row.number("stderr"), 1e-9));
    EXPECT_TRUE(near(result.estimate.ci_low, row.number("ci_low"), 1e-9));
    EXPECT_TRUE(near(result.estimate.ci_high, row.number("ci_high"), 1e-9));
  }
}

TEST(Cluster, BootstrapAsInNumpy) {
  const auto rows = read_table("cluster_bootstrap");
  ASSERT_GE(rows.size(), 20U);
  size_t known = 0;
  for (const auto& row : rows) {
    SCOPED_TRACE(row.place);
    ClusterLabels labels;
    for (const size_t label : row.list<size_t>("labels")) labels.push_back({label});
    const Estimate estimate =
        plain_mean(row.numbers("values"), labels, {.draws = 200, .seed = row.whole("seed"), .threads = 1}).estimate;
    EXPECT_TRUE(near(estimate.bootstrap_low, row.number("low"), 1e-9));
    EXPECT_TRUE(near(estimate.bootstrap_high, row.number("high"), 1e-9));
    known += estimate.bootstrap_low ? 1 : 0;
  }
  EXPECT_GT(known, rows.size() / 2);
}

// Each value its own cluster: the plain error.
TEST(Cluster, OfSingleValues) {
  const Values values = {0.1, 0.5, -0.3, 0.8, 0.2, 0.4};
  const ClusterLabels labels = {{0}, {1}, {2}, {3}, {4}, {5}};
  const ClusteredMean result = plain_mean(values, labels, {.draws = 200, .threads = 1});
  EXPECT_NEAR(*result.estimate.stderr_, 0.1536590742882148, 1e-14);  // numpy's std(ddof=1) / sqrt(6)
  EXPECT_TRUE(result.estimate.ci_low);
  EXPECT_FALSE(result.estimate.bootstrap_low) << "too few to draw";
  EXPECT_FALSE(plain_mean(values, {{0}, {0}, {0}, {0}, {0}, {0}}, {}).estimate.stderr_) << "one cluster";
  EXPECT_FALSE(plain_mean({}, {}, {}).estimate.mean);
}

// Topics of equal weight, each a cluster: the plain error of the topics' means, and as many effective clusters as
// topics.
TEST(Cluster, OfTopicsOfEqualWeight) {
  const Values means = {0.1, 0.5, -0.3, 0.8, 0.2, 0.4};
  Values values, weights;
  ClusterLabels labels;
  for (size_t topic = 0; topic < means.size(); ++topic) {
    for (size_t i = 0; i <= topic; ++i) {
      values.push_back(means[topic] + 0.1 * static_cast<double>(i) - 0.05 * static_cast<double>(topic));
      weights.push_back(1 / static_cast<double>(6 * (topic + 1)));
      labels.push_back({topic});
    }
  }
  const ClusteredMean result = clustered_mean(values, weights, labels, {.draws = 0});
  EXPECT_NEAR(*result.estimate.mean, 1.7 / 6, 1e-14);
  EXPECT_NEAR(*result.estimate.stderr_, 0.1536590742882148, 1e-14);
  EXPECT_NEAR(result.effective, 6, 1e-12);
}

TEST(Cluster, ManyAreDrawn) {
  Values values;
  ClusterLabels labels;
  for (size_t i = 0; i < 90; ++i) {
    values.push_back(static_cast<double>(i * 7 % 11));
    labels.push_back({i / 3});
  }
  const Estimate even = plain_mean(values, labels, {.draws = 200, .threads = 1}).estimate;
  ASSERT_TRUE(even.bootstrap_low && even.ci_low);
  EXPECT_NEAR(*even.bootstrap_high - *even.bootstrap_low, *even.ci_high - *even.ci_low, 0.5 * *even.stderr_);
  for (size_t i = 45; i < 90; i += 3) labels[i] = {0};  // thirty still, but as good as sixteen
  EXPECT_FALSE(plain_mean(values, labels, {.draws = 200, .threads = 1}).estimate.bootstrap_low);
}

}  // namespace
}  // namespace hre
