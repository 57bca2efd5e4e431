#pragma once
/// Cuts a question's plan into passes of tokens that libllama computes together. Pure functions of the plan.

#include <cstdint>
#include <span>
#include <vector>

#include "hre/scorer.h"

namespace hre {

/// How a question's answers are computed.
enum class Passes {
  kShared,     ///< the shared prefix once, in one pass with all answers
  kCopied,     ///< computes the shared prefix once and copies its state to each answer in turn: for recurrent models
  kPerAnswer,  ///< one pass per answer: the plain path, for checks
};

/// The place of one log-probability: the logits after this token predict that target of that answer.
struct Target {
  size_t question;  ///< index among the questions that are computed together
  size_t answer;
  size_t index;
};

/// Consecutive sequences of a context.
struct SequenceRange {
  int32_t first = 0, count = 1;
};

/// One token to compute, with the sequences that it belongs to.
struct Cell {
  Token token = 0;
  int32_t position = 0;
  SequenceRange sequences;
  std::vector<Target> targets;  ///< the targets that its logits predict; empty: no logits needed
};

/// Answers computed together after the question's prefix.
struct Pass {
  size_t first = 0, last = 0;
  bool starts = true;    ///< the prefix is computed here; otherwise it stays from the pass before
  size_t n_served = 0;   ///< number of answers, from `first`, for which the prefix is computed here
  bool is_long = false;  ///< its sequences are longer than PassRules::long_above
};

struct PassRules {
  Passes mode = Passes::kShared;
  /// For models whose rotary positions change for sequences above this length (long rope); 0: none. Short and long
  /// sequences are never computed together, and short ones fit into a context of this length.
  int64_t long_above = 0;
  /// The most tokens of the context that a pass may hold, unless a single answer needs more.
  int64_t most_positions = 4096;
};

/// Cuts a plan into passes over consecutive answers. The cut depends only on the question, so a value doesn't depend on
/// other questions.
std::vector<Pass> cut_into_passes(const QuestionPlan& plan, const PassRules& rules);

/// The number of tokens of the context that a pass needs.
int64_t positions_of(const QuestionPlan& plan, const Pass& pass, Passes mode);

/// How much may be computed together. A question that is not a single pass of shared tokens stays alone.
struct GroupRules {
  int64_t most_positions = 0;  ///< per group; 0: every question alone
  size_t most_answers = 64;    ///< per group
};

/// A group to which questions are being added.
class OpenGroup {
 public:
  OpenGroup(const PassRules& passes, const GroupRules& rules) : passes_(passes), rules_(rules) {}
  /// Adds a question; false if it doesn't fit. The first one always fits.
  bool add(const QuestionPlan& plan);
  /// Whether no further question can join.
  [[nodiscard]] bool closed() const { return size_ > 0 && room_ <= 0; }

 private:
  PassRules passes_;
  GroupRules rules_;
  size_t size_ = 0;
  int64_t room_ = 0;
  size_t answers_left_ = 0;
};

/// The prefix's cells with the targets that they serve; none if the pass doesn't start with the prefix.
std::vector<Cell> prefix_cells(const QuestionPlan& plan, size_t question, const Pass& pass, SequenceRange sequences);

/// Appends the cells of one answer's tail, for this sequence.
void append_tail_cells(const QuestionPlan& plan, size_t question, size_t answer, int32_t sequence,
                       std::vector<Cell>& cells);

}  // namespace hre
