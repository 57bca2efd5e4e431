#pragma once
/// Errors of a mean whose values are not drawn one by one: questions of one topic, site or author have things in
/// common.

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "hre/estimate.h"
#include "stats/bootstrap.h"

namespace hre {

/// Each value's clusters, numbered from 0; a value may be in several (a question whose answers have several authors).
using ClusterLabels = std::vector<std::vector<size_t>>;

struct ClusteredMean {
  int64_t clusters = 0;
  double effective =
      0;              ///< how many of equal weight would tell as much: 1 / the sum of w_i w_j of pairs that share one
  Estimate estimate;  ///< of values; see clustered_mean
};

/// The mean of values with weights w_i, which add up to 1, and a cluster-robust standard error,
/// sqrt(G / (G - 1) sum_c (sum_{i in c} w_i e_i)^2) over the residuals e_i in each of G clusters (Miller, arXiv
/// 2411.00640, with the usual correction for few clusters). Where values are in several clusters, products of all pairs
/// that share one are added once (Cameron, Gelbach and Miller, J. Bus. Econ. Statist. 29, 2011), and G is the effective
/// number. The interval is Student's with one degree
/// of freedom fewer than there are effective clusters (Carter, Schnepel and Steigerwald, Rev. Econ. Statist. 99, 2017),
/// from kFewestClusters effective ones on. Where every value is in one cluster there is also the bootstrap's, which
/// draws clusters instead of values, from kFewestToDraw effective ones on: of ten uneven clusters it holds the truth in
/// 91 % of the cases.
ClusteredMean clustered_mean(std::span<const double> values, std::span<const double> weights,
                             const ClusterLabels& labels, const BootstrapOptions& options);
constexpr double kFewestClusters = 5;
constexpr double kFewestToDraw = 20;

}  // namespace hre
