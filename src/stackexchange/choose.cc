#include "stackexchange/choose.h"

#include <fmt/format.h>
#include <xxhash.h>

#include <algorithm>
#include <numeric>
#include <tuple>

namespace hre::stackexchange {
namespace {

void take_spread(std::vector<size_t>& order, size_t n) {
  std::vector<size_t> taken;
  const size_t last = order.size() - 1, steps = n - 1;
  for (size_t i = 0; i < n; ++i) taken.push_back(order[(2 * i * last + steps) / (2 * steps)]);
  order = std::move(taken);
}

}  // namespace

uint64_t draw_key(uint64_t seed, const std::string& site, uint32_t id) {
  const std::string name = fmt::format("{}/{}", site, id);
  return XXH3_64bits_withSeed(name.data(), name.size(), seed);
}

std::vector<size_t> choose_answers(Choice choice, size_t n, uint64_t seed, const std::string& site,
                                   const std::vector<PostRecord>& answers) {
  std::vector<size_t> order(answers.size());
  std::iota(order.begin(), order.end(), size_t{0});
  const auto by_id = [&](size_t a, size_t b) { return answers[a].id < answers[b].id; };
  std::sort(order.begin(), order.end(), by_id);
  if (choice == Choice::kAll || n == 0 || n >= answers.size()) return order;
  std::vector<uint64_t> keys;
  for (const PostRecord& answer : answers) keys.push_back(draw_key(seed, site, answer.id));
  const auto by_draw = [&](size_t a, size_t b) {
    return std::tie(keys[a], answers[a].id) < std::tie(keys[b], answers[b].id);
  };
  const auto by_score = [&](size_t a, size_t b) {
    return answers[a].score != answers[b].score ? answers[a].score < answers[b].score : by_draw(a, b);
  };
  if (choice == Choice::kSpread) {
    std::sort(order.begin(), order.end(), by_score);
    take_spread(order, n);
  } else {
    const auto top = std::max_element(order.begin(), order.end(), [&](size_t a, size_t b) {
      return answers[a].score < answers[b].score;  // of equal scores, the lowest id comes first
    });
    if (choice == Choice::kTopAndRandom) std::iter_swap(order.begin(), top);
    std::sort(order.begin() + (choice == Choice::kTopAndRandom ? 1 : 0), order.end(), by_draw);
    order.resize(n);
  }
  std::sort(order.begin(), order.end(), by_id);
  return order;
}

}  // namespace hre::stackexchange
