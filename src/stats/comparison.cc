#include "stats/comparison.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "stats/correlation.h"
#include "stats/parallel.h"
#include "stats/summary.h"

namespace hre {
namespace {

std::vector<double> differences_of(std::span<const double> a, std::span<const double> b) {
  std::vector<double> result(a.size());
  std::ranges::transform(a, b, result.begin(), std::minus<>());
  return result;
}

Estimate estimate_weighted(std::span<const double> values, std::span<const size_t> sizes, Weights weights) {
  if (weights == Weights::kQuestions) return mean_estimate(values);
  std::vector<Estimate> topics;
  for_each_topic(sizes,
                 [&](size_t, size_t begin, size_t n) { topics.push_back(mean_estimate(values.subspan(begin, n))); });
  return mean_of_means(topics);
}

std::optional<double> paired_effect_size(std::span<const double> differences) {
  if (is_constant(differences)) return std::nullopt;
  const Moments m = moments(differences);
  return m.mean / std::sqrt(m.variance);
}

// Scaled so that their sum's distance from 0 is that of the weighted mean.
std::optional<PermutationP> weighted_sign_flip_p(std::vector<double> differences, std::span<const size_t> sizes,
                                                 const ComparisonOptions& options) {
  if (options.weights == Weights::kTopics) {
    const std::vector<double> shares = question_weights(sizes, options.weights);
    std::ranges::transform(differences, shares, differences.begin(), std::multiplies<>());
  }
  return sign_flip_p(differences, options.permutation());
}

// Everything but the bootstrap.
PairedComparison compare_without_draws(std::span<const double> a, std::span<const double> b,
                                       std::span<const size_t> sizes, const ComparisonOptions& options) {
  const std::vector<double> differences = differences_of(a, b);
  PairedComparison result;
  result.mean_a = estimate_weighted(a, sizes, options.weights).mean;
  result.mean_b = estimate_weighted(b, sizes, options.weights).mean;
  result.difference = estimate_weighted(differences, sizes, options.weights);
  result.effect_size = paired_effect_size(differences);
  if (const auto p = weighted_sign_flip_p(differences, sizes, options)) {
    result.p = p->p;
    result.p_exact = p->exact;
  }
  result.won = std::ranges::count_if(differences, [](double d) { return d > 0; });
  result.lost = std::ranges::count_if(differences, [](double d) { return d < 0; });
  result.tied = static_cast<int64_t>(differences.size()) - result.won - result.lost;
  return result;
}

template <class Item, class Comparison>
void adjust_by_holm(std::vector<Item>& items, Comparison comparison_of) {
  std::vector<std::optional<double>> p;
  for (Item& item : items) p.push_back(comparison_of(item).p);
  const auto adjusted = holm_adjust(p);
  for (size_t i = 0; i < items.size(); ++i) comparison_of(items[i]).p_holm = adjusted[i];
}

std::vector<PairOfRuns> compare_pairs(std::span<const std::span<const double>> runs, std::span<const size_t> sizes,
                                      const ComparisonOptions& options, const BootstrapDraws& draws) {
  std::vector<PairOfRuns> pairs;
  for (size_t a = 0; a < runs.size(); ++a) {
    for (size_t b = a + 1; b < runs.size(); ++b) pairs.push_back({a, b, {}});
  }
  in_chunks(pairs.size(), options.threads, [&](size_t begin, size_t end) {
    for (PairOfRuns& pair : std::span(pairs).subspan(begin, end - begin)) {
      const std::vector<double> differences = differences_of(runs[pair.a], runs[pair.b]);
      pair.comparison = compare_without_draws(runs[pair.a], runs[pair.b], sizes, options);
      pair.comparison.bootstrap =
          interval_of_deviations(draws.difference(pair.a, pair.b), differences, sizes, options.weights);
    }
  });
  adjust_by_holm(pairs, [](PairOfRuns& pair) -> PairedComparison& { return pair.comparison; });
  return pairs;
}

// Ranks from the highest value down.
std::vector<double> descending_ranks(std::span<const double> values) {
  std::vector<double> negated(values.size());
  std::ranges::transform(values, negated.begin(), std::negate<>());
  return average_ranks(negated);
}

// The ranks that cut off at most 2.5 % of the draws on each side.
Interval middle_of(std::vector<double> ranks) {
  std::ranges::sort(ranks);
  const auto cut = static_cast<size_t>(0.025 * static_cast<double>(ranks.size()));
  return {ranks[cut], ranks[ranks.size() - 1 - cut]};
}

std::vector<RankInterval> rank_intervals(std::span<const double> means, const BootstrapDraws& draws) {
  const size_t n = means.size();
  std::vector<RankInterval> result(n);
  std::vector<std::vector<double>> drawn(n);
  std::vector<double> moved(n);
  for (size_t draw = 0; draw < draws.draws(); ++draw) {
    for (size_t run = 0; run < n; ++run) moved[run] = means[run] + draws.at(draw, run);
    const double highest = *std::ranges::max_element(moved);
    const std::vector<double> ranks = descending_ranks(moved);
    for (size_t run = 0; run < n; ++run) {
      drawn[run].push_back(ranks[run]);
      result[run].best += moved[run] == highest ? 1 : 0;
    }
  }
  const std::vector<double> observed = descending_ranks(means);
  for (size_t run = 0; run < n; ++run) {
    result[run].rank = observed[run];
    result[run].interval = drawn[run].empty() ? Interval{1, static_cast<double>(n)} : middle_of(drawn[run]);
    if (draws.draws() > 0) result[run].best /= static_cast<double>(draws.draws());
  }
  return result;
}

// Runs by their mean, best first; groups are made of these positions and then named by run.
std::vector<std::vector<size_t>> groups_of(const std::vector<PairOfRuns>& pairs, std::span<const double> means,
                                           double level) {
  std::vector<size_t> order(means.size());
  std::iota(order.begin(), order.end(), size_t{0});
  std::ranges::stable_sort(order, [&](size_t a, size_t b) { return means[a] > means[b]; });
  std::vector<size_t> place(means.size());
  for (size_t i = 0; i < order.size(); ++i) place[order[i]] = i;
  std::vector<std::pair<size_t, size_t>> told_apart;
  for (const PairOfRuns& pair : pairs) {
    if (pair.comparison.p_holm.value_or(1) < level) told_apart.emplace_back(place[pair.a], place[pair.b]);
  }
  auto groups = indistinguishable_groups(means.size(), told_apart);
  for (auto& group : groups) {
    for (size_t& member : group) member = order[member];
  }
  return groups;
}

}  // namespace

PairedComparison compare_paired(std::span<const double> a, std::span<const double> b, std::span<const size_t> sizes,
                                const ComparisonOptions& options) {
  PairedComparison result = compare_without_draws(a, b, sizes, options);
  result.bootstrap = bootstrap_interval(differences_of(a, b), sizes, options.bootstrap());
  return result;
}

std::vector<PairedComparison> compare_topics(std::span<const double> a, std::span<const double> b,
                                             std::span<const size_t> sizes, const ComparisonOptions& options) {
  std::vector<PairedComparison> topics(sizes.size());
  for_each_topic(sizes, [&](size_t topic, size_t begin, size_t n) {
    topics[topic] = compare_paired(a.subspan(begin, n), b.subspan(begin, n), sizes.subspan(topic, 1), options);
  });
  adjust_by_holm(topics, [](PairedComparison& topic) -> PairedComparison& { return topic; });
  return topics;
}

ManyComparison compare_many(std::span<const std::span<const double>> runs, std::span<const size_t> sizes,
                            const ComparisonOptions& options, double level) {
  const BootstrapDraws draws = bootstrap_means(runs, sizes, options.bootstrap());
  std::vector<double> means;
  for (const auto& run : runs) means.push_back(weighted_mean(run, sizes, options.weights));
  ManyComparison result;
  result.pairs = compare_pairs(runs, sizes, options, draws);
  result.ranks = rank_intervals(means, draws);
  result.groups = groups_of(result.pairs, means, level);
  return result;
}

namespace {

using Group = std::vector<size_t>;

bool is_within_another(const Group& group, const std::vector<Group>& groups) {
  return std::ranges::any_of(groups, [&](const Group& other) {
    return &other != &group && std::ranges::includes(other, group) && (other.size() > group.size() || &other < &group);
  });
}

Group without(const Group& group, size_t member) {
  Group rest = group;
  std::erase(rest, member);
  return rest;
}

}  // namespace

std::vector<std::vector<size_t>> indistinguishable_groups(size_t n,
                                                          std::span<const std::pair<size_t, size_t>> told_apart) {
  if (n == 0) return {};
  std::vector<Group> groups(1, Group(n));
  std::iota(groups[0].begin(), groups[0].end(), size_t{0});
  for (const auto& [a, b] : told_apart) {
    std::vector<Group> split;
    for (const Group& group : groups) {
      if (std::ranges::binary_search(group, a) && std::ranges::binary_search(group, b)) {
        split.push_back(without(group, a));
        split.push_back(without(group, b));
      } else {
        split.push_back(group);
      }
    }
    groups.clear();
    std::ranges::copy_if(split, std::back_inserter(groups),
                         [&](const Group& g) { return !is_within_another(g, split); });
  }
  std::ranges::sort(groups);
  return groups;
}

std::vector<size_t> largest_differences(std::span<const double> a, std::span<const double> b, size_t count) {
  std::vector<size_t> order(a.size());
  std::iota(order.begin(), order.end(), size_t{0});
  std::ranges::stable_sort(order, std::greater<>(), [&](size_t i) { return std::abs(a[i] - b[i]); });
  order.resize(std::min(count, order.size()));
  return order;
}

std::vector<double> mean_over_runs(std::span<const std::span<const double>> runs) {
  if (runs.empty()) return {};
  std::vector<double> mean(runs.front().size());
  for (const auto& run : runs) std::ranges::transform(mean, run, mean.begin(), std::plus<>());
  for (double& value : mean) value /= static_cast<double>(runs.size());
  return mean;
}

}  // namespace hre
