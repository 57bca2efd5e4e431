#pragma once
/// Who does what: questions handed out as workers come free.

#include <cstddef>
#include <functional>
#include <map>
#include <vector>

#include "hre/scorer.h"

namespace hre {

/// Takes questions from where they come, in that order. One of a worker that was lost is handed out again, before all
/// others; one that was lost with several workers is given up.
class Handout {
 public:
  explicit Handout(std::function<NextPlan()> source) : source_(std::move(source)) {}

  /// The next question for a free worker.
  NextPlan next();
  void done() { --n_out_; }
  /// False where the question has cost too many workers.
  bool lost(size_t question);
  /// Whether all are done.
  [[nodiscard]] bool finished() const { return ended_ && n_out_ == 0 && again_.empty(); }

  static constexpr int kMostLosses = 3;

 private:
  std::function<NextPlan()> source_;
  bool ended_ = false;
  size_t n_out_ = 0;  // handed out, and not done
  std::vector<size_t> again_;
  std::map<size_t, int> losses_;
};

}  // namespace hre
