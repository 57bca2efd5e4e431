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

Strata strata_of(std::span<const size_t> sizes, Weights weights) {
  struct Stratum {
    size_t topic;
    std::vector<size_t> questions;
  };
  std::vector<Stratum> strata;
  Stratum singles{0, {}};
  for_each_topic(sizes, [&](size_t topic, size_t begin, size_t n) {
    if (n == 1) {
      if (singles.questions.empty()) singles.topic = topic;
      singles.questions.push_back(begin);
      return;
    }
    strata.push_back({topic, std::vector<size_t>(n)});
    std::iota(strata.back().questions.begin(), strata.back().questions.end(), begin);
  });
  if (singles.questions.size() == 1 && !strata.empty() && weights == Weights::kQuestions) {
    const auto smallest = std::ranges::min_element(strata, {}, [](const Stratum& s) { return s.questions.size(); });
    smallest->questions.push_back(singles.questions.front());
  } else if (!singles.questions.empty()) {
    const auto place = std::ranges::find_if(strata, [&](const Stratum& s) { return s.topic > singles.topic; });
    strata.insert(place, singles);
  }
  Strata result;
  result.known = !strata.empty();
  for (const Stratum& stratum : strata) {
    result.order.insert(result.order.end(), stratum.questions.begin(), stratum.questions.end());
    result.sizes.push_back(stratum.questions.size());
    result.topics.push_back(stratum.topic);
    result.known = result.known && stratum.questions.size() > 1;
  }
  return result;
}

std::optional<double> degrees_of_freedom(std::span<const double> influence_values, std::span<const size_t> sizes,
                                         Weights weights) {
  double sum = 0;
  double sum_squares_by_df = 0;
  const Strata strata = strata_of(sizes, weights);
  for_each_topic(strata.sizes, [&](size_t, size_t begin, size_t n) {
    double variance = 0;
    for (size_t i = begin; i < begin + n; ++i) {
      variance += influence_values[strata.order[i]] * influence_values[strata.order[i]];
    }
    sum += variance;
    if (n > 1) sum_squares_by_df += variance * variance / static_cast<double>(n - 1);
  });
  if (sum_squares_by_df == 0) return std::nullopt;
  return sum * sum / sum_squares_by_df;
}

double planned_degrees(std::span<const size_t> sizes, Weights weights) {
  if (!strata_of(sizes, weights).known) return 0;
  return degrees_of_freedom(question_weights(sizes, weights), sizes, weights).value_or(0);
}

}  // namespace hre
