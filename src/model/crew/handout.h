#pragma once
/// Who does what: pieces of work handed out as workers come free. Pure.

#include <cstddef>
#include <optional>
#include <span>
#include <vector>

namespace hre {

/// The largest pieces first, so that no worker is left with one when the others are done. A piece of a worker that was
/// lost is handed out again, before all others; one that was lost with several workers is given up.
class Handout {
 public:
  explicit Handout(std::span<const double> costs);

  /// The next piece for a free worker; nothing where none is left.
  std::optional<size_t> next();
  void done(size_t piece);
  /// False where the piece has cost too many workers.
  bool lost(size_t piece);
  [[nodiscard]] bool finished() const { return n_done_ == order_.size(); }

  static constexpr int kMostLosses = 3;

 private:
  std::vector<size_t> order_;
  size_t at_ = 0, n_done_ = 0;
  std::vector<size_t> again_;
  std::vector<int> losses_;
};

}  // namespace hre
