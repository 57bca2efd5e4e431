#include "model/crew/handout.h"

#include <algorithm>
#include <numeric>

namespace hre {

Handout::Handout(std::span<const double> costs) : order_(costs.size()), losses_(costs.size()) {
  std::iota(order_.begin(), order_.end(), size_t{0});
  std::stable_sort(order_.begin(), order_.end(), [&](size_t a, size_t b) { return costs[a] > costs[b]; });
}

std::optional<size_t> Handout::next() {
  if (!again_.empty()) {
    const size_t piece = again_.back();
    again_.pop_back();
    return piece;
  }
  return at_ < order_.size() ? std::optional(order_[at_++]) : std::nullopt;
}

void Handout::done(size_t) { ++n_done_; }

bool Handout::lost(size_t piece) {
  again_.push_back(piece);
  return ++losses_[piece] < kMostLosses;
}

}  // namespace hre
