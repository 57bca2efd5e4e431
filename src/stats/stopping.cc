#include "stats/stopping.h"

#include <numeric>

#include "stats/random.h"

namespace hre {

std::vector<size_t> random_turns(std::span<const size_t> sizes, uint64_t seed) {
  const size_t n = std::accumulate(sizes.begin(), sizes.end(), size_t{0});
  std::vector<size_t> topic_of(n), first(sizes.size()), used(sizes.size());
  for_each_topic(sizes, [&](size_t topic, size_t begin, size_t size) {
    first[topic] = begin;
    for (size_t i = 0; i < size; ++i) topic_of[begin + i] = topic;
  });
  std::vector<size_t> turns;
  RandomStream random(seed, RandomPurpose::kTurns);
  while (turns.size() < n) {
    const size_t topic = topic_of[random.below(n)];
    if (used[topic] == sizes[topic]) break;
    turns.push_back(first[topic] + used[topic]++);
  }
  return turns;
}

bool StoppingRule::add(double value) {
  if (reached_) return true;
  sequence_.add(value);
  interval_ = sequence_.look();
  reached_ = width_ ? interval_.width() <= *width_ : !interval_.contains(against_);
  return reached_;
}

Decision decide(std::span<const double> differences, std::span<const size_t> sizes, Interval range, uint64_t seed) {
  StoppingRule rule = StoppingRule::decided(range);
  for (const size_t turn : random_turns(sizes, seed)) {
    if (rule.add(differences[turn])) break;
  }
  return {rule.reached(), rule.used(), static_cast<int64_t>(differences.size()), rule.interval(), seed};
}

}  // namespace hre
