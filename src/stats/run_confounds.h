#pragma once
/// What else could explain a run's value, answer by answer: length, age, position; and a hint whether questions were in
/// the training data. What `hre confounds` shows.

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "hre/run.h"
#include "stats/bootstrap.h"
#include "stats/confound.h"

namespace hre {

/// When a question and its answers were posted: days since 1970-01-01; nothing where it is not known.
struct PostingDates {
  std::optional<double> question;
  std::vector<std::optional<double>> answers;  ///< as the run's answers
};

/// One covariate of answers, over the questions where all answers have it.
struct CovariateSummary {
  std::string name;                     ///< "log length", "age", "position"
  int64_t questions = 0;                ///< with a value and the covariate
  Estimate votes, scores;               ///< mean correlations with the covariate
  Estimate value, partial;              ///< mean Pearson's r, and what is left of it given the covariate
  std::optional<ExplainedShare> share;  ///< of the value that goes through the covariate
};

/// Min-K% of the answers of one year's questions.
struct YearHint {
  int year = 0;
  Estimate min_k;  ///< mean over questions of the mean over answers, nats
};

struct RunConfounds {
  std::vector<CovariateSummary> covariates;  ///< length, and age and position where dates are known
  std::vector<YearHint> years;               ///< where dates and tokens are known
};

/// `dates`: by question of the run, or empty. The age of an answer is the day of its posting, its position its rank by
/// that, 1 the first; equal ones share their average rank. `share`: of Min-K%.
RunConfounds run_confounds(const Run& run, std::span<const PostingDates> dates, const BootstrapOptions& options,
                           double share = 0.2);

}  // namespace hre
