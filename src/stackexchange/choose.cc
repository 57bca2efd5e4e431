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

// The lengths of the longest chains of rising scores from each answer in a row to its end, which all chains include; 0
// for an answer from which none leads there. A chain to the end of length l has chains of all lengths from 2 to l.
std::vector<size_t> chains_to(size_t end, const std::vector<PostRecord>& row) {
  const auto rises = [&](size_t a, size_t b) {
    return row[a].created_ms < row[b].created_ms && row[a].score < row[b].score;
  };
  std::vector<size_t> lengths(end + 1, 0);
  lengths[end] = 1;
  for (size_t i = end; i-- > 0;) {
    if (!rises(i, end)) continue;
    for (size_t k = i + 1; k <= end; ++k) {
      if (lengths[k] > 0 && rises(i, k)) lengths[i] = std::max(lengths[i], lengths[k] + 1);
    }
  }
  return lengths;
}

void take_later_wins(const std::vector<PostRecord>& answers, std::vector<size_t>& order, size_t n) {
  std::sort(order.begin(), order.end(), [&](size_t a, size_t b) {
    return std::tie(answers[a].created_ms, answers[a].id) < std::tie(answers[b].created_ms, answers[b].id);
  });
  std::vector<PostRecord> row;
  for (const size_t i : order) row.push_back(answers[i]);
  // The ends: the widest range of scores, then the earliest.
  std::tuple<int64_t, size_t, size_t> best{0, 0, 0};
  std::vector<size_t> lengths;
  for (size_t end = 0; end < row.size(); ++end) {
    std::vector<size_t> to_end = chains_to(end, row);
    for (size_t begin = 0; begin < end; ++begin) {
      const std::tuple<int64_t, size_t, size_t> ends{int64_t{row[begin].score} - row[end].score, begin, end};
      if (to_end[begin] < n || ends >= best) continue;
      best = ends;
      lengths = to_end;
    }
  }
  const auto [range, begin, end] = best;
  if (range == 0) return order.clear();
  std::vector<size_t> taken = {order[begin]};
  for (size_t i = begin, k = begin + 1; taken.size() < n; ++k) {
    const bool rises = row[i].created_ms < row[k].created_ms && row[i].score < row[k].score;
    const size_t needed = n - taken.size();
    if (!rises || lengths[k] < needed || (needed == 1 && k != end)) continue;
    taken.push_back(order[k]);
    i = k;
  }
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
  if (choice == Choice::kLaterWins) {
    take_later_wins(answers, order, n);
    std::sort(order.begin(), order.end(), by_id);
    return order;
  }
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
