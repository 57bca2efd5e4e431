#pragma once
/// How a question's plan is cut into passes of tokens that libllama computes together. Pure functions of the plan.

#include <cstdint>
#include <span>
#include <vector>

#include "hre/scorer.h"

namespace hre {

/// How a question's answers are computed.
enum class Passes {
  kShared,     ///< the shared prefix once, in one batch with all answers
  kCopied,     ///< the shared prefix once, its state copied to each answer in turn: for recurrent models
  kPerAnswer,  ///< one pass an answer: the plain path, for checks
};

/// Where one log-probability is asked for: the logits after this token give that target of that answer.
struct Target {
  size_t question;  ///< of those that are computed together
  size_t answer;
  size_t index;
};

/// Sequences of a context, one after another.
struct SequenceRange {
  int32_t first = 0, count = 1;
};

/// One token to compute, with the sequences that it belongs to.
struct Cell {
  Token token = 0;
  int32_t position = 0;
  SequenceRange sequences;
  std::vector<Target> targets;  ///< what its logits are needed for; none: no logits
};

/// Answers computed together after the question's prefix.
struct Pass {
  size_t first = 0, last = 0;
  bool starts = true;    ///< the prefix is computed here; otherwise it's there, from the pass before
  size_t n_served = 0;   ///< answers, from `first`, that this computation of the prefix serves
  bool is_long = false;  ///< its sequences are longer than PassRules::long_above
};

struct PassRules {
  Passes mode = Passes::kShared;
  /// Models whose rotary positions change for sequences above this length (long rope); 0: none. Sequences of the two
  /// kinds are never computed together, and those below fit into a context of this length.
  int64_t long_above = 0;
  /// Tokens of the context that a pass holds at most, unless one answer alone needs more.
  int64_t most_positions = 4096;
};

/// Passes over consecutive answers. A pass is part of a question's plan: its size is fixed, so that a value
/// doesn't depend on other questions.
std::vector<Pass> cut_into_passes(const QuestionPlan& plan, const PassRules& rules);

/// Tokens of a context that a pass needs.
int64_t positions_of(const QuestionPlan& plan, const Pass& pass, Passes mode);

/// Consecutive questions of one pass each, or one question.
struct Group {
  size_t first = 0, last = 0;
};

/// How much is computed together. What is not one pass of shared tokens stays alone.
struct GroupRules {
  int64_t most_positions = 0;  ///< of a group; 0: every question alone
  size_t most_answers = 64;    ///< of a group
};

/// A group in the making.
class OpenGroup {
 public:
  OpenGroup(const PassRules& passes, const GroupRules& rules) : passes_(passes), rules_(rules) {}
  /// Adds a question; false where it doesn't fit. The first always does.
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

/// Groups in the order of the plans.
std::vector<Group> group_questions(std::span<const QuestionPlan> plans, const PassRules& passes,
                                   const GroupRules& rules);

/// The prefix's cells, where the pass starts with it, with the targets that they serve.
std::vector<Cell> prefix_cells(const QuestionPlan& plan, size_t question, const Pass& pass, SequenceRange sequences);

/// Appends the cells of one answer's tail, as of this sequence.
void append_tail_cells(const QuestionPlan& plan, size_t question, size_t answer, int32_t sequence,
                       std::vector<Cell>& cells);

}  // namespace hre
