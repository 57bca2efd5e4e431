#pragma once
/// What else could explain a run's value, answer by answer: length, date, position; and a hint whether questions were
/// in the training data. What `hre confounds` shows.

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "hre/run.h"
#include "stats/confound.h"

namespace hre {

/// When a question and its answers were posted: days since 1970-01-01; nothing where it is not known.
struct PostingDates {
  std::optional<double> question;
  std::vector<std::optional<double>> answers;  ///< as the run's answers
};

/// One covariate of answers, over the questions where all answers have it.
struct CovariateSummary {
  std::string name;        ///< "log length", "posted" (the day: later is larger), "position" (by date, 1 the first)
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
  std::vector<YearHint> years;               ///< where dates and tokens are known
};

/// `dates`: by question of the run, or empty. Lengths are those that people saw. Answers of one day share their average
/// position. `share`: of Min-K%.
RunConfounds run_confounds(const Run& run, std::span<const PostingDates> dates, double share = 0.2);

}  // namespace hre
