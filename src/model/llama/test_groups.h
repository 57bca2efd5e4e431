#pragma once
/// For tests: groups of plans that are all there at once.

#include <span>
#include <vector>

#include "model/llama/passes.h"

namespace hre {

/// A single question, or consecutive questions with one pass each.
struct Group {
  size_t first = 0, last = 0;
};

/// Divides plans into groups, in their order, as a scorer does with the questions that it gets.
inline std::vector<Group> group_questions(std::span<const QuestionPlan> plans, const PassRules& passes,
                                          const GroupRules& rules) {
  std::vector<Group> groups;
  OpenGroup open(passes, rules);
  for (size_t i = 0; i < plans.size(); ++i) {
    if (groups.empty() || !open.add(plans[i])) {
      groups.push_back({i, i});
      open = OpenGroup(passes, rules);
      open.add(plans[i]);
    }
    groups.back().last = i + 1;
  }
  return groups;
}

}  // namespace hre
