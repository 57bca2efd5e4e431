#pragma once
/// Assigns questions to workers as they become free.

#include <cstddef>
#include <functional>
#include <map>
#include <vector>

#include "hre/scorer.h"

namespace hre {

/// Takes questions from a source, in its order. If a worker is lost, its question is handed out again, before all
/// others; a question that was lost with several workers is given up.
class Handout {
 public:
  explicit Handout(std::function<NextPlan()> source) : source_(std::move(source)) {}

  /// The next question for a free worker.
  NextPlan next();
  void done() { --n_out_; }
  /// Reports the loss of a worker with its question. False if the question has cost too many workers.
  bool lost(size_t question);
  /// Whether all questions are done.
  [[nodiscard]] bool finished() const { return ended_ && n_out_ == 0 && again_.empty(); }

  static constexpr int kMostLosses = 3;

 private:
  std::function<NextPlan()> source_;
  bool ended_ = false;
  size_t n_out_ = 0;  // number handed out, and not done
  std::vector<size_t> again_;
  std::map<size_t, int> losses_;
};

}  // namespace hre
