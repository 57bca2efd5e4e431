#pragma once
/// What else could explain a run's value, answer by answer: length, date, position; and a hint whether questions were
/// in the training data. What `hre confounds` shows.

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "analysis/dataset_difference.h"
#include "hre/run.h"
#include "hre/summary.h"
#include "stats/ceiling.h"
#include "stats/confound.h"

namespace hre {

/// When a question and its answers were posted: days since 1970-01-01; nothing where it is not known.
struct PostingFacts {
  std::optional<double> question;
  std::vector<std::optional<double>> answers;  ///< as the run's answers
  VoteCounts votes;                            ///< likewise; empty where they are not known
};

/// The largest mean Pearson's r that scores could have, by how much chance is in the votes.
struct RunCeiling {
  VoteCeiling ceiling;
  bool counted = false;  ///< by votes for and against; false: by their difference alone, which is the least chance
  Estimate value;        ///< the run's mean r over the same questions

  /// value / ceiling
  [[nodiscard]] std::optional<double> share() const;
  /// From the value's low end by the ceiling's high end to the reverse, so that it holds the truth at least as often as
  /// both of them.
  [[nodiscard]] std::optional<Interval> share_interval() const;
};

/// Of the questions with a value; where `facts` have counts of votes for some, of these. Nothing for votes that are not
/// counts. Takes seconds for thousands of questions.
std::optional<RunCeiling> run_ceiling(const Run& run, std::span<const PostingFacts> facts = {});

/// One sentence: how high the mean r of any scores could be. Nothing for few questions, where there is no interval.
std::optional<std::string> ceiling_note(const RunCeiling& ceiling);

/// One covariate of answers, over the questions where all answers have it.
struct CovariateSummary {
  std::string name;  ///< "log length", "log delay" (of hours after the question), "position" (by date, 1 the first)
  int64_t questions = 0;   ///< with a value and the covariate
  Estimate votes, scores;  ///< mean correlations with the covariate, over those where it varies
  ValueParts parts;        ///< mean Pearson's r, what goes through the covariate, and what is beyond it
};

/// Min-K% of the answers of one year's questions.
struct YearHint {
  int year = 0;
  Estimate min_k;  ///< mean over questions of the mean over answers, nats
};

struct RunConfounds {
  std::vector<std::string> notes;            ///< see notes.h
  std::vector<CovariateSummary> covariates;  ///< length, and date and position where dates are known
  Estimate log_votes, ranked_votes;          ///< the value without the weight that few large votes have
  Estimate later_wins, earlier_wins;         ///< metric.h's dated_metrics(); of no questions where dates are not known
  std::vector<YearHint> years;               ///< where dates and tokens are known
  std::optional<RunCeiling> ceiling;         ///< where votes are counts
  std::optional<DatasetDifference> older;    ///< against a run on older questions, where there is one
  std::vector<ScoreSummary> scores;          ///< by every score: what it does to the value and to length's part
};

/// `facts`: by question of the run, or empty. Lengths are those that people saw. Answers of one day share their average
/// position. `share`: of Min-K%.
RunConfounds run_confounds(const Run& run, std::span<const PostingFacts> facts, double share = 0.2);

}  // namespace hre
