#pragma once
/// What else than quality the votes of a set's answers go with: order of posting, delay, length, acceptance. Measured
/// on the very set that is built, before and after its answers are chosen.

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "stackexchange/filters.h"
#include "stats/confound.h"

namespace hre::stackexchange {

/// The question's views since the answer was posted, if they were evenly spread over the time until the dump's last
/// post, at `end_ms`. Nothing where views are not known, or the question is that last post.
std::optional<double> views_since(const PostRecord& answer, const PostRecord& question, int64_t end_ms);

/// What a share of the votes' variance within a question is measured of.
enum class Explainer {
  kOrder,      ///< votes by the answers' places by date
  kRateOrder,  ///< votes per 1,000 views since posting, by the same
  kDelay,      ///< votes by the logarithm of the hours after the question
  kLength,     ///< votes by the logarithm of the length
};
inline constexpr size_t kExplainers = 4;

/// Of some of a question's answers.
struct AnswerMeasures {
  CovariateProducts products[kExplainers];
  bool has[kExplainers] = {};
  int64_t pairs = 0;            ///< of answers with different votes and dates
  double later_wins = 0;        ///< share of them in which the later answer has more votes
  bool has_accepted = false;    /// one of them was accepted, and not all have the same votes
  double accepted_r = 0;        ///< correlation of acceptance and votes
  bool accepted_first = false;  ///< none has more votes than the accepted one
  double chance_first = 0;      ///< how often that is so if acceptance is drawn: the share of those with the most votes
};

/// `lengths` in code points, as the answers; empty if they are not known.
AnswerMeasures measure(const PostRecord& question, std::span<const PostRecord> answers,
                       std::span<const uint32_t> lengths, int64_t end_ms);

/// A question's answers at three stages: all in the dump (their lengths are not known), those that pass the filters,
/// and those that are chosen.
struct QuestionMeasures {
  AnswerMeasures all, passing, chosen;
};

/// The same over many questions.
struct SetMeasures {
  std::vector<CovariateProducts> products[kExplainers];
  std::vector<double> later_wins, accepted_r, accepted_first, chance_first;
  int64_t pairs = 0;

  void add(const AnswerMeasures& one);
  void add(const SetMeasures& other);
};

/// What the table's cells say. How often their intervals hold the truth: docs/statistics.md.
/// The share of the votes' variance within questions that one slope explains. A slope that chance made adds nothing to
/// its expectation (stats/confound.h).
Estimate explained_share(const SetMeasures& set, Explainer explainer);
/// The mean over questions of the share of pairs that the later answer wins: one half by chance.
Estimate later_wins_share(const SetMeasures& set);
Estimate accepted_correlation(const SetMeasures& set);
/// The share of questions whose accepted answer has the most votes.
Estimate accepted_first_share(const SetMeasures& set);

/// A table in Markdown with a column for each stage: see docs/datasets.md.
std::string format_measures(const SetMeasures& all, const SetMeasures& passing, const SetMeasures& chosen);

}  // namespace hre::stackexchange
