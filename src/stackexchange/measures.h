#pragma once
/// What else than quality the votes of a set's answers go with: order of posting, length, acceptance. Measured on the
/// very set that is built, before and after its answers are chosen.

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "stackexchange/filters.h"
#include "stats/confound.h"

namespace hre::stackexchange {

/// Of some of a question's answers.
struct AnswerMeasures {
  CovariateProducts order, length;  ///< votes against place by date (0 to 1) and against log length
  bool has_order = false, has_length = false;
  int64_t pairs = 0;           ///< of answers with different votes and dates
  int64_t later_wins = 0;      ///< ... of which the later answer has more votes
  int64_t accepted = 0;        ///< 1 if one of them was accepted, and not all have the same votes
  int64_t accepted_first = 0;  ///< 1 if none has more votes than it
};

/// `lengths` in code points, as the answers; empty if they are not known.
AnswerMeasures measure(std::span<const PostRecord> answers, std::span<const uint32_t> lengths);

/// A question's answers at three stages: all in the dump (their lengths are not known), those that pass the filters,
/// and those that are chosen.
struct QuestionMeasures {
  AnswerMeasures all, passing, chosen;
};

/// The same over many questions.
struct SetMeasures {
  std::vector<CovariateProducts> order, length;
  int64_t pairs = 0, later_wins = 0, accepted = 0, accepted_first = 0;

  void add(const AnswerMeasures& one);
  void add(const SetMeasures& other);
};

/// A table in Markdown, a row for each stage, of the shares of votes that are explained: see docs/datasets.md.
std::string format_measures(const SetMeasures& all, const SetMeasures& passing, const SetMeasures& chosen);

}  // namespace hre::stackexchange
