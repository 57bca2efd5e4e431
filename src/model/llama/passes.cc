#include "model/llama/passes.h"

#include <algorithm>

namespace hre {
namespace {

constexpr size_t kPassAnswers = 64;

int64_t length_of(const QuestionPlan& plan, size_t answer) {
  return static_cast<int64_t>(plan.prefix.size() + plan.answers[answer].tail.size());
}

/// The position, in an answer's sequence, of the token whose logits predict target t.
size_t position_before(const QuestionPlan& plan, const AnswerPlan& answer, size_t t) {
  return plan.prefix.size() + answer.tail.size() - answer.targets.size() + t;
}

/// Sets in every pass how many answers its prefix serves: those up to the next pass that computes the prefix.
void count_served(std::vector<Pass>& passes) {
  size_t end = passes.empty() ? 0 : passes.back().last;
  for (auto pass = passes.rbegin(); pass != passes.rend(); ++pass) {
    pass->n_served = end - pass->first;
    if (pass->starts) end = pass->first;
  }
}

}  // namespace

std::vector<Pass> cut_into_passes(const QuestionPlan& plan, const PassRules& rules) {
  std::vector<Pass> passes;
  int64_t room = 0;
  for (size_t i = 0; i < plan.answers.size(); ++i) {
    const bool is_long = rules.long_above > 0 && length_of(plan, i) > rules.long_above;
    const bool limited = rules.long_above > 0 && !is_long;
    const auto tail = static_cast<int64_t>(plan.answers[i].tail.size());
    const bool same_kind = !passes.empty() && passes.back().is_long == is_long;
    const bool fits =
        rules.mode == Passes::kShared && same_kind && tail <= room && i - passes.back().first < kPassAnswers;
    if (!fits) {
      passes.push_back({i, i, rules.mode == Passes::kPerAnswer || !same_kind, 0, is_long});
      room = (limited ? std::min(rules.most_positions, rules.long_above) : rules.most_positions) -
             static_cast<int64_t>(plan.prefix.size());
    }
    room -= tail;
    passes.back().last = i + 1;
  }
  count_served(passes);
  return passes;
}

int64_t positions_of(const QuestionPlan& plan, const Pass& pass, Passes mode) {
  auto tails = int64_t{0}, longest = int64_t{0};
  for (size_t i = pass.first; i < pass.last; ++i) {
    const auto tail = static_cast<int64_t>(plan.answers[i].tail.size());
    tails += tail;
    longest = std::max(longest, tail);
  }
  return static_cast<int64_t>(plan.prefix.size()) + (mode == Passes::kShared ? tails : longest);
}

bool OpenGroup::add(const QuestionPlan& plan) {
  const std::vector<Pass> cut = cut_into_passes(plan, passes_);
  const int64_t positions = cut.size() == 1 ? positions_of(plan, cut[0], passes_.mode) : 0;
  const size_t answers = plan.answers.size();
  const bool may_join =
      passes_.mode == Passes::kShared && cut.size() == 1 && !cut[0].is_long && positions <= rules_.most_positions;
  if (size_ > 0 && (!may_join || positions > room_ || answers > answers_left_)) return false;
  if (size_++ == 0) {
    room_ = may_join ? rules_.most_positions : 0;
    answers_left_ = may_join ? std::max(rules_.most_answers, answers) : 0;
  }
  if (may_join) {
    room_ -= positions;
    answers_left_ -= answers;
  }
  return true;
}

std::vector<Cell> prefix_cells(const QuestionPlan& plan, size_t question, const Pass& pass, SequenceRange sequences) {
  std::vector<Cell> cells;
  if (!pass.starts) return cells;
  for (const Token token : plan.prefix) cells.push_back({token, static_cast<int32_t>(cells.size()), sequences, {}});
  for (size_t a = pass.first; a < pass.first + pass.n_served; ++a) {
    for (size_t t = 0; t < plan.answers[a].targets.size(); ++t) {
      const size_t position = position_before(plan, plan.answers[a], t);
      if (position >= cells.size()) break;
      cells[position].targets.push_back({question, a, t});
    }
  }
  return cells;
}

void append_tail_cells(const QuestionPlan& plan, size_t question, size_t answer, int32_t sequence,
                       std::vector<Cell>& cells) {
  const AnswerPlan& tail = plan.answers[answer];
  const size_t tail_at = cells.size(), n_prefix = plan.prefix.size();
  for (size_t k = 0; k < tail.tail.size(); ++k) {
    cells.push_back({tail.tail[k], static_cast<int32_t>(n_prefix + k), {sequence, 1}, {}});
  }
  for (size_t t = 0; t < tail.targets.size(); ++t) {
    const size_t position = position_before(plan, tail, t);
    if (position >= n_prefix) cells[tail_at + position - n_prefix].targets.push_back({question, answer, t});
  }
}

}  // namespace hre
