#pragma once
/// Stopping early: enough is known when a confidence sequence is narrow, or no longer holds a value that is in
/// question.

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "stats/confidence_sequence.h"
#include "stats/grouped.h"

namespace hre {

/// The order in which topics take turns: each next question is of a topic drawn at random by its share of all, and the
/// first of that topic not yet used. So every value has the same mean given those before it, the micro mean, whatever
/// the topics' own means are, and a confidence sequence over them is valid. Gives positions in the layout of grouped.h;
/// ends where a topic is drawn that has none left. Draw k is RandomStream(seed, kTurns).below(n), in order.
std::vector<size_t> random_turns(std::span<const size_t> sizes, uint64_t seed);

/// Takes values one by one and says when to stop. A look after every value.
class StoppingRule {
 public:
  /// Stop when the sequence is no wider than `width`; values lie in `range`.
  static StoppingRule narrow(Interval range, double width) { return {range, width}; }
  /// Stop when the sequence, at 1 - alpha, excludes `against`; values lie in `range`.
  static StoppingRule decided(Interval range, double against = 0, double alpha = 0.05) {
    return {range, std::nullopt, against, alpha};
  }

  /// Adds a value. True once enough is known; values after that change nothing.
  bool add(double value);
  [[nodiscard]] bool reached() const { return reached_; }
  /// For the mean, at the last look: 95 %, or 1 - alpha.
  [[nodiscard]] Interval interval() const { return interval_; }
  [[nodiscard]] int64_t used() const { return static_cast<int64_t>(sequence_.count()); }

 private:
  StoppingRule(Interval range, std::optional<double> width, double against = 0, double alpha = 0.05)
      : sequence_(range.low, range.high, alpha), interval_(range), width_(width), against_(against) {}

  ConfidenceSequence sequence_;
  Interval interval_;
  std::optional<double> width_;
  double against_ = 0;
  bool reached_ = false;
};

/// A comparison that would have stopped early.
struct Decision {
  bool decided = false;
  int64_t used = 0;       ///< questions, up to the look that decided or to the end
  int64_t questions = 0;  ///< there are
  Interval interval;      ///< 95 % for the mean difference, at that look
  uint64_t seed = 0;      ///< of the topics' turns

  /// The share of the questions that need not be looked at.
  [[nodiscard]] double saved() const { return 1 - static_cast<double>(used) / static_cast<double>(questions); }
};

/// The same over questions that are there already: differences topic after topic, in [range.low, range.high].
Decision decide(std::span<const double> differences, std::span<const size_t> sizes, Interval range, uint64_t seed);

}  // namespace hre
