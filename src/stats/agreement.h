#pragma once
/// Across models: does a value go with an outside judgement (Arena Elo, MT-bench)? Units are models, of which there are
/// few: intervals are wide, and one model can make the result.

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "stats/grouped.h"
#include "stats/permutation.h"

namespace hre {

enum class CorrelationKind { kPearson, kSpearman, kKendall };

/// The correlation of that kind; see stats/correlation.h.
std::optional<double> correlation(CorrelationKind kind, std::span<const double> x, std::span<const double> y);

struct AgreementOptions {
  int permutations = 99999;  ///< where there are too many for all
  uint64_t seed = 42;
};

struct Agreement {
  int64_t n = 0;                           ///< models
  bool few = true;                         ///< fewer than ten: say so beside the value
  std::optional<double> value;             ///< nothing where the correlation is undefined; then nothing below is there
  std::optional<PermutationP> p;           ///< over pairings of the two columns, exact for n <= 9; nothing for n < 3
  std::optional<Interval> interval;        ///< 95 %, see agreement_interval
  std::optional<Interval> leave_one_out;   ///< the smallest and largest value without one of the models
  std::optional<size_t> most_influential;  ///< the model without which it moves most
};

/// The 95 % interval of a correlation over n units, by Fisher's z with the standard error 1 / sqrt(n - 3) for Pearson,
/// sqrt((1 + r^2 / 2) / (n - 3)) for Spearman and sqrt(0.437 / (n - 4)) for Kendall (Bonett and Wright, Psychometrika
/// 65, 2000). The latter two are too narrow near 1, where z is skewed and few values are left that n units can have. So
/// their variances grow by 1.5 r^16 and by the factor 1 + 0.4 r^4, and the ends are those of the next value towards
/// each side (one pair ordered otherwise). It takes the units for a simple sample from a bivariate normal population,
/// up to its margins for the latter two. Nothing for n < 4, and for the latter two below ten, where it would not hold;
/// nothing for Pearson's r of +-1.
std::optional<Interval> agreement_interval(CorrelationKind kind, double r, int64_t n);

Agreement agreement(CorrelationKind kind, std::span<const double> x, std::span<const double> y,
                    const AgreementOptions& options);

/// A table's column, one value a model; nothing where it is missing.
using ModelValues = std::vector<std::optional<double>>;

struct MatrixCell {
  std::optional<double> value;
  int64_t n = 0;  ///< models that both columns have
};

/// Correlations between all columns, each over the models that both have. Columns are equally long.
std::vector<std::vector<MatrixCell>> correlation_matrix(CorrelationKind kind, std::span<const ModelValues> columns);

}  // namespace hre
