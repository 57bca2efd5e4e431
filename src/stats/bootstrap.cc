#include "stats/bootstrap.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "stats/correlation.h"
#include "stats/distributions.h"
#include "stats/estimate.h"
#include "stats/parallel.h"
#include "stats/random.h"

namespace hre {
namespace {

// The influence of every question on every run, question after question, rows padded to whole lanes:
// adding up drawn rows is what the time goes into.
struct InfluenceTable {
  static constexpr size_t kLane = 4;
  size_t stride = 0;
  std::vector<double> rows;  // [questions x stride]

  [[nodiscard]] const double* row(size_t question) const { return rows.data() + question * stride; }
};

// Rows stratum after stratum.
InfluenceTable influence_table(std::span<const std::span<const double>> runs, std::span<const size_t> sizes,
                               const Strata& strata, Weights weights) {
  InfluenceTable table;
  table.stride = (runs.size() + InfluenceTable::kLane - 1) / InfluenceTable::kLane * InfluenceTable::kLane;
  table.rows.resize(runs.front().size() * table.stride);
  for (size_t run = 0; run < runs.size(); ++run) {
    const std::vector<double> column = influence(runs[run], sizes, weights);
    for (size_t i = 0; i < column.size(); ++i) table.rows[i * table.stride + run] = column[strata.order[i]];
  }
  return table;
}

// Draws n of n indices.
void draw_indices(RandomStream random, size_t n, std::vector<uint32_t>& indices) {
  indices.resize(n + n % 2);
  for (size_t i = 0; i < n; i += 2) {
    const uint64_t word = random.next();
    indices[i] = static_cast<uint32_t>((word & 0xFFFFFFFF) * n >> 32);
    indices[i + 1] = static_cast<uint32_t>((word >> 32) * n >> 32);
  }
  indices.resize(n);
}

// Adds the drawn rows' next kWidth columns to sums; a compile-time width keeps the sums in registers.
template <size_t kWidth>
void add_rows(const double* rows, size_t stride, const std::vector<uint32_t>& indices, double* sums) {
  double local[kWidth] = {};
  for (const uint32_t index : indices) {
    const double* row = rows + index * stride;
    for (size_t k = 0; k < kWidth; ++k) local[k] += row[k];
  }
  for (size_t k = 0; k < kWidth; ++k) sums[k] += local[k];
}

void add_all_columns(const double* rows, size_t stride, const std::vector<uint32_t>& indices, double* sums) {
  size_t done = 0;
  for (; stride - done >= 20; done += 20) add_rows<20>(rows + done, stride, indices, sums + done);
  for (; stride - done >= 8; done += 8) add_rows<8>(rows + done, stride, indices, sums + done);
  for (; stride - done >= 4; done += 4) add_rows<4>(rows + done, stride, indices, sums + done);
}

// The normal quantile of the share of draws under the value; draws that differ from it by rounding count half,
// and a share of 0 or 1 is taken for half a draw.
double bias_correction(std::span<const double> sorted, double value) {
  const double rounding = 1e-12 * std::max(value - sorted.front(), sorted.back() - value);
  const auto first = std::ranges::lower_bound(sorted, value - rounding);
  const auto last = std::ranges::upper_bound(sorted, value + rounding);
  const auto n = static_cast<double>(sorted.size());
  const double below = static_cast<double>(first - sorted.begin()) + static_cast<double>(last - first) / 2;
  return normal_quantile(std::clamp(below, 0.5, n - 0.5) / n);
}

}  // namespace

std::vector<double> BootstrapDraws::column(size_t run) const {
  std::vector<double> result(draws());
  for (size_t draw = 0; draw < result.size(); ++draw) result[draw] = at(draw, run);
  return result;
}

std::vector<double> BootstrapDraws::difference(size_t a, size_t b) const {
  std::vector<double> result(draws());
  for (size_t draw = 0; draw < result.size(); ++draw) result[draw] = at(draw, a) - at(draw, b);
  return result;
}

BootstrapDraws bootstrap_means(std::span<const std::span<const double>> runs, std::span<const size_t> sizes,
                               const BootstrapOptions& options) {
  BootstrapDraws result;
  result.runs = runs.size();
  if (runs.empty() || options.draws <= 0) return result;
  result.deviations.resize(static_cast<size_t>(options.draws) * runs.size());
  const Strata strata = strata_of(sizes, options.weights);
  const InfluenceTable table = influence_table(runs, sizes, strata, options.weights);
  in_chunks(static_cast<size_t>(options.draws), options.threads, [&](size_t begin, size_t end) {
    std::vector<uint32_t> indices;
    std::vector<double> sums(table.stride);
    for (size_t draw = begin; draw < end; ++draw) {
      std::ranges::fill(sums, 0.0);
      for_each_topic(strata.sizes, [&](size_t stratum, size_t first, size_t n) {
        draw_indices(RandomStream(options.seed, RandomPurpose::kBootstrap, draw, strata.topics[stratum]), n, indices);
        add_all_columns(table.row(first), table.stride, indices, sums.data());
      });
      std::copy_n(sums.begin(), runs.size(),
                  result.deviations.begin() + static_cast<std::ptrdiff_t>(draw * runs.size()));
    }
  });
  return result;
}

std::vector<double> influence(std::span<const double> values, std::span<const size_t> sizes, Weights weights) {
  std::vector<double> result = question_weights(sizes, weights);
  const Strata strata = strata_of(sizes, weights);
  for_each_topic(strata.sizes, [&](size_t, size_t begin, size_t n) {
    const auto questions = std::span(strata.order).subspan(begin, n);
    std::vector<double> members;
    for (const size_t question : questions) members.push_back(values[question]);
    const double stretch = n > 1 ? std::sqrt(static_cast<double>(n) / static_cast<double>(n - 1)) : 0;
    const double factor = is_constant(members) ? 0 : stretch;
    // From the first value, which is exact under an offset where the mean is rounded.
    const double first = members.front();
    for (double& value : members) value -= first;
    const double mean = moments(members).mean;
    for (size_t i = 0; i < n; ++i) result[questions[i]] *= factor * (members[i] - mean);
  });
  return result;
}

double acceleration(std::span<const double> influence_values) {
  double largest = 0;
  for (const double value : influence_values) largest = std::max(largest, std::abs(value));
  if (largest == 0) return 0;
  double squares = 0;
  double cubes = 0;
  for (const double value : influence_values) {
    const double scaled = value / largest;
    squares += scaled * scaled;
    cubes += scaled * scaled * scaled;
  }
  return cubes / (6 * std::pow(squares, 1.5));
}

std::optional<Interval> bca_interval(std::vector<double> draws, double value, double acceleration, double critical) {
  if (draws.empty()) return std::nullopt;
  std::ranges::sort(draws);
  const double z0 = bias_correction(draws, value);
  const auto level = [&](double z) { return normal_cdf(z0 + (z0 + z) / (1 - acceleration * (z0 + z))); };
  return Interval{quantile_of_sorted(draws, level(-critical)), quantile_of_sorted(draws, level(critical))};
}

double weighted_mean(std::span<const double> values, std::span<const size_t> sizes, Weights weights) {
  if (values.empty()) return 0;
  const std::vector<double> shares = question_weights(sizes, weights);
  double moved = 0;
  for (size_t i = 0; i < values.size(); ++i) moved += shares[i] * (values[i] - values.front());
  return values.front() + moved;
}

// Also of the values themselves: where all spread sits in few questions, too few were drawn. Room for rounding.
constexpr double kFewestDegrees = 19 - 1e-9;

std::optional<Interval> interval_of_deviations(std::vector<double> deviations, std::span<const double> values,
                                               std::span<const size_t> sizes, Weights weights) {
  if (!enough_for_interval(sizes, weights)) return std::nullopt;
  const double mean = weighted_mean(values, sizes, weights);
  const std::vector<double> pull = influence(values, sizes, weights);
  const std::optional<double> df = degrees_of_freedom(pull, sizes, weights);
  if (!df || *df < kFewestDegrees) return std::nullopt;  // equal values tell nothing of spread
  const double critical = student_t_quantile(0.975, *df);
  const auto around_zero = bca_interval(std::move(deviations), 0, acceleration(pull), critical);
  if (!around_zero) return std::nullopt;
  return Interval{mean + around_zero->low, mean + around_zero->high};
}

std::optional<Interval> bootstrap_interval(std::span<const double> values, std::span<const size_t> sizes,
                                           const BootstrapOptions& options) {
  const std::span<const double> runs[] = {values};
  return interval_of_deviations(bootstrap_means(runs, sizes, options).column(0), values, sizes, options.weights);
}

}  // namespace hre
