#include "eval/schedule.h"

#include <algorithm>
#include <map>
#include <numeric>

#include "core/random.h"
#include "data/selection.h"
#include "eval/shard.h"

namespace hre {
namespace {

/// Indices of each topic's questions, in the order of the dataset; topics as they come.
std::vector<std::pair<std::string, std::vector<size_t>>> group_by_topic(const Dataset& dataset) {
  std::vector<std::pair<std::string, std::vector<size_t>>> groups;
  std::map<std::string, size_t> place;
  for (size_t i = 0; i < dataset.questions.size(); ++i) {
    const auto [at, is_new] = place.try_emplace(dataset.questions[i].topic, groups.size());
    if (is_new) groups.push_back({dataset.questions[i].topic, {}});
    groups[at->second].second.push_back(i);
  }
  return groups;
}

}  // namespace

Result<std::vector<size_t>> select_questions(const Dataset& dataset, const EvalOptions& options) {
  if (options.limit && *options.limit < 1) return input_error("a limit must be at least 1", "‹limit›");
  const auto groups = group_by_topic(dataset);
  std::vector<std::string> names;
  for (const auto& [name, indices] : groups) names.push_back(name);
  auto chosen = select_topics(names, options.topics);
  if (!chosen) return forward(chosen);

  std::vector<size_t> selected;
  for (const auto& [name, indices] : groups) {
    if (std::find(chosen->begin(), chosen->end(), name) == chosen->end()) continue;
    std::vector<size_t> order(indices.size());
    std::iota(order.begin(), order.end(), size_t{0});
    if (options.shuffle) order = PythonRandom(options.shuffle_seed).shuffled_indices(indices.size());
    if (options.limit) order.resize(std::min(order.size(), static_cast<size_t>(*options.limit)));
    for (const size_t position : order) selected.push_back(indices[position]);
  }
  if (!options.shard) return selected;
  std::vector<size_t> share;
  for (const size_t place : places_of_shard(dataset, selected, *options.shard)) share.push_back(selected[place]);
  return share;
}

std::vector<size_t> interleave_topics(const Dataset& dataset, const std::vector<size_t>& selected) {
  std::map<std::string, size_t> seen;
  std::vector<size_t> turn(selected.size()), order(selected.size());
  for (size_t i = 0; i < selected.size(); ++i) turn[i] = seen[dataset.questions[selected[i]].topic]++;
  std::iota(order.begin(), order.end(), size_t{0});
  std::stable_sort(order.begin(), order.end(), [&](size_t a, size_t b) { return turn[a] < turn[b]; });
  return order;
}

}  // namespace hre
