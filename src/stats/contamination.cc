#include "stats/contamination.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <vector>

namespace hre {

std::optional<double> min_k_percent(std::span<const float> token_log_probs, double share) {
  std::vector<float> lowest(token_log_probs.begin(), token_log_probs.end());
  if (lowest.empty() || std::ranges::any_of(lowest, [](float value) { return std::isnan(value); })) return std::nullopt;
  std::ranges::sort(lowest);
  const double wanted = std::floor(share * static_cast<double>(lowest.size()));
  lowest.resize(static_cast<size_t>(std::clamp(wanted, 1.0, static_cast<double>(lowest.size()))));
  return std::accumulate(lowest.begin(), lowest.end(), 0.0) / static_cast<double>(lowest.size());
}

}  // namespace hre
