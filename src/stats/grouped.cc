#include "stats/grouped.h"

#include <algorithm>
#include <numeric>

namespace hre {

std::vector<double> question_weights(std::span<const size_t> sizes, Weights weights) {
  const size_t n = std::accumulate(sizes.begin(), sizes.end(), size_t{0});
  const auto topics = static_cast<double>(sizes.size() - static_cast<size_t>(std::ranges::count(sizes, size_t{0})));
  std::vector<double> result(n);
  for_each_topic(sizes, [&](size_t, size_t begin, size_t size) {
    const double share =
        weights == Weights::kQuestions ? 1 / static_cast<double>(n) : 1 / (topics * static_cast<double>(size));
    std::fill_n(result.begin() + static_cast<std::ptrdiff_t>(begin), size, share);
  });
  return result;
}

}  // namespace hre
