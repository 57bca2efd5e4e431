#include "stats/cluster.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <numeric>

#include "stats/distributions.h"
#include "stats/estimate.h"

namespace hre {

ClusteredMean clustered_mean(std::span<const double> values, std::span<const double> weights,
                             const ClusterLabels& labels, const BootstrapOptions& options) {
  ClusteredMean result;
  result.estimate = mean_estimate(values);
  result.estimate.stderr_ = result.estimate.ci_low = result.estimate.ci_high = std::nullopt;
  std::map<size_t, std::vector<size_t>> members;
  bool single = true;
  for (size_t i = 0; i < labels.size(); ++i) {
    single = single && labels[i].size() == 1;
    for (const size_t label : labels[i]) members[label].push_back(i);
  }
  result.clusters = static_cast<int64_t>(members.size());
  if (values.empty()) return result;
  double mean = values.front();  // from there, so that equal values have no residuals
  for (size_t i = 0; i < values.size(); ++i) mean += weights[i] * (values[i] - values.front());
  result.estimate.mean = mean;
  std::vector<double> residuals;  // weighted
  for (size_t i = 0; i < values.size(); ++i) residuals.push_back(weights[i] * (values[i] - mean));
  const double squared = std::inner_product(residuals.begin(), residuals.end(), residuals.begin(), 0.0);
  double variance = 0, pairs = 0;  // pairs: weights of values that share a cluster, each with itself too
  std::vector<double> pulls;       // of each cluster, with their mean the mean of values
  if (single) {
    for (const auto& [label, values_of] : members) {
      double sum = 0, weight = 0;
      for (const size_t i : values_of) {
        sum += residuals[i];
        weight += weights[i];
      }
      variance += sum * sum;
      pairs += weight * weight;
      pulls.push_back(mean + static_cast<double>(members.size()) * sum);
    }
  } else {
    std::vector<size_t> partner_of(values.size(), values.size());  // the last value that each was a partner of
    for (size_t i = 0; i < values.size(); ++i) {
      double sum = 0;
      for (const size_t label : labels[i]) {
        for (const size_t j : members[label]) {
          if (partner_of[j] == i) continue;
          partner_of[j] = i;
          sum += residuals[j];
          pairs += weights[i] * weights[j];
        }
      }
      variance += residuals[i] * sum;
    }
  }
  result.effective = 1 / pairs;
  const double rounded_up = result.effective * (1 + 1e-12);  // so that five clusters of equal weight are five
  const double g = single ? static_cast<double>(members.size()) : result.effective;
  if (values.size() < 2 || g <= 1) return result;
  // Equal values; all of them together in a cluster, so that residuals cancel; or pairs that outweigh the rest.
  constexpr double kRounding = 1e-12;
  if (!(variance > kRounding * static_cast<double>(values.size()) * squared)) return result;
  Estimate& estimate = result.estimate;
  estimate.stderr_ = std::sqrt(g / (g - 1) * variance);
  if (rounded_up < kFewestClusters) return result;
  const double reach = *estimate.stderr_ * student_t_quantile(0.975, result.effective - 1);
  estimate.ci_low = mean - reach;
  estimate.ci_high = mean + reach;
  if (!single || options.draws <= 0 || rounded_up < kFewestToDraw) return result;
  const size_t sizes[] = {pulls.size()};
  if (const auto interval = bootstrap_interval(pulls, sizes, options)) {
    estimate.bootstrap_low = interval->low;
    estimate.bootstrap_high = interval->high;
  }
  return result;
}

}  // namespace hre
