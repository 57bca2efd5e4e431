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
  int draws = 10000;
  int permutations = 99999;  ///< where there are too many for all
  uint64_t seed = 42;
};

struct Agreement {
  int64_t n = 0;                           ///< models
  bool few = true;                         ///< fewer than ten: say so beside the value
  std::optional<double> value;             ///< nothing where the correlation is undefined; then nothing below is there
  std::optional<PermutationP> p;           ///< over pairings of the two columns, exact for n <= 9; nothing for n < 3
  std::optional<Interval> bootstrap;       ///< over models, 95 %, BCa; nothing for n < 4
  int64_t undefined_draws = 0;             ///< draws without a correlation (one model over and over), left out
  std::optional<Interval> leave_one_out;   ///< the smallest and largest value without one of the models
  std::optional<size_t> most_influential;  ///< the model without which it moves most
};

/// Draw d of the bootstrap takes models RandomStream(seed, kModels, d).below(n).
Agreement agreement(CorrelationKind kind, std::span<const double> x, std::span<const double> y,
                    const AgreementOptions& options);

/// A table's column, one value a model; nothing where it is missing.
using Column = std::vector<std::optional<double>>;

struct MatrixCell {
  std::optional<double> value;
  int64_t n = 0;  ///< models that both columns have
};

/// Correlations between all columns, each over the models that both have. Columns are equally long.
std::vector<std::vector<MatrixCell>> correlation_matrix(CorrelationKind kind, std::span<const Column> columns);

}  // namespace hre
