#include "stats/ceiling.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <numbers>

#include "stats/correlation.h"
#include "stats/distributions.h"
#include "stats/estimate.h"
#include "stats/parallel.h"
#include "stats/random.h"

namespace hre {
namespace {

// log expectation = level + spread x: the question's level on one grid, x of the answer, standard normal, on another.
constexpr double kLowest = -5, kLevelStep = 0.25, kReach = 4, kPlaceStep = 0.2;
constexpr size_t kLevels = 73, kPlaces = 41;
// From here on the logarithm of an expectation is normal for what its count says of it, around log(count - 1/2) with
// variance 1 / count: its peak would be too narrow for the grid of places.
constexpr int64_t kLargeCount = 12;

double level(size_t k) { return kLowest + kLevelStep * static_cast<double>(k); }
double place(size_t j) { return -kReach + kPlaceStep * static_cast<double>(j); }

struct Model {
  double mean = 1, of_questions = 1, of_answers = 1;  // of log expectations; the last two are spreads
};

// What a count says of its answer, given each level of the question.
struct CountTable {
  std::vector<double> log_likelihood, square;  // [levels]: of the count; the expectation of x^2
  std::vector<double> places;                  // [levels x places]: x up to there, in [0, 1]; empty for a large count
};

// The x of a large count: normal.
struct Normal {
  double mean = 0, variance = 0;
};
Normal large_count_x(int64_t count, double at_level, double spread) {
  const double noise = 1 / static_cast<double>(count), all = spread * spread + noise;
  return {spread * (std::log(static_cast<double>(count) - 0.5) - at_level) / all, noise / all};
}

CountTable table_of(int64_t count, double spread) {
  CountTable table;
  const auto n = static_cast<double>(count);
  for (size_t k = 0; k < kLevels && count >= kLargeCount; ++k) {
    const double all = spread * spread + 1 / n, apart = std::log(n - 0.5) - level(k);
    const Normal x = large_count_x(count, level(k), spread);
    table.log_likelihood.push_back(-apart * apart / (2 * all) - std::log(all) / 2);
    table.square.push_back(x.mean * x.mean + x.variance);
  }
  if (count >= kLargeCount) return table;
  std::vector<double> factors;  // of the expectation, by place
  for (size_t j = 0; j < kPlaces; ++j) factors.push_back(std::exp(spread * place(j)));
  for (size_t k = 0; k < kLevels; ++k) {
    const double rate = std::exp(level(k));
    double sum = 0, squares = 0;
    for (size_t j = 0; j < kPlaces; ++j) {
      const double x = place(j);
      const double weight = std::exp(n * (level(k) + spread * x) - rate * factors[j] - x * x / 2);
      sum += weight;
      squares += weight * x * x;
      table.places.push_back(sum);
    }
    const bool possible = sum > 0;
    for (size_t j = 0; j < kPlaces && possible; ++j) table.places[k * kPlaces + j] /= sum;
    table.log_likelihood.push_back(possible ? std::log(sum) : -700);
    table.square.push_back(possible ? squares / sum : 1);
  }
  return table;
}

// One kind of votes, for or against: every answer's count as a place among the different ones.
struct Side {
  std::vector<int64_t> counts;
  std::vector<std::vector<size_t>> questions;
  bool any = false;  // a count other than 0

  [[nodiscard]] std::vector<CountTable> tables(double spread) const {
    std::vector<CountTable> result;
    for (const int64_t count : counts) result.push_back(table_of(count, spread));
    return result;
  }
};

Side side_of(const std::vector<const std::vector<int64_t>*>& questions) {
  std::map<int64_t, size_t> places;
  for (const auto* question : questions) {
    for (const int64_t count : *question) places.try_emplace(count);
  }
  Side side;
  for (auto& [count, at] : places) {
    at = side.counts.size();
    side.counts.push_back(count);
    side.any = side.any || count != 0;
  }
  for (const auto* question : questions) {
    std::vector<size_t>& own = side.questions.emplace_back();
    for (const int64_t count : *question) own.push_back(places.at(count));
  }
  return side;
}

// The chances of a question's levels by what its counts say.
std::vector<double> levels_of(const std::vector<size_t>& question, const std::vector<CountTable>& tables,
                              const Model& model) {
  std::vector<double> weights(kLevels);
  for (size_t k = 0; k < kLevels; ++k) {
    const double z = (level(k) - model.mean) / model.of_questions;
    weights[k] = -z * z / 2;
    for (const size_t count : question) weights[k] += tables[count].log_likelihood[k];
  }
  const double highest = *std::ranges::max_element(weights);
  double sum = 0;
  for (double& weight : weights) sum += weight = std::exp(weight - highest);
  for (double& weight : weights) weight /= sum;
  return weights;
}

// Every kGroups-th question, to be left out; none.
constexpr size_t kGroups = 20, kNone = kGroups;

Model fit(const Side& side, size_t without, Model model, int rounds) {
  for (int round = 0; round < rounds; ++round) {
    const std::vector<CountTable> tables = side.tables(model.of_answers);
    double n = 0, answers = 0, mean = 0, squares = 0, of_answers = 0;
    for (size_t q = 0; q < side.questions.size(); ++q) {
      if (q % kGroups == without) continue;
      const std::vector<double> weights = levels_of(side.questions[q], tables, model);
      for (size_t k = 0; k < kLevels; ++k) {
        mean += weights[k] * level(k);
        squares += weights[k] * level(k) * level(k);
        for (const size_t count : side.questions[q]) of_answers += weights[k] * tables[count].square[k];
      }
      n += 1;
      answers += static_cast<double>(side.questions[q].size());
    }
    const Model before = model;
    model.mean = mean / n;
    model.of_questions = std::sqrt(std::max(squares / n - model.mean * model.mean, kLevelStep * kLevelStep));
    model.of_answers *= std::sqrt(of_answers / answers);
    if (std::abs(model.of_answers - before.of_answers) < 1e-4 && std::abs(model.mean - before.mean) < 1e-4) break;
  }
  return model;
}

// Draws a question's expectations.
class Expectations {
 public:
  Expectations(const Side& side, const Model& model)
      : side_(side), model_(model), tables_(side.tables(model.of_answers)) {}

  void choose(size_t question) {
    question_ = &side_.questions[question];
    levels_ = levels_of(*question_, tables_, model_);
    for (size_t k = 1; k < kLevels; ++k) levels_[k] += levels_[k - 1];
  }

  // Adds them, times `sign`.
  void draw(RandomStream& random, double sign, std::vector<double>& sums) const {
    const size_t k = pick(levels_, random);
    for (size_t i = 0; i < question_->size(); ++i) {
      const size_t at = (*question_)[i];
      sums[i] += sign * std::exp(level(k) + model_.of_answers * draw_x(at, k, random));
    }
  }

 private:
  static size_t pick(std::span<const double> cumulative, RandomStream& random) {
    const auto found = std::ranges::lower_bound(cumulative, random.uniform());
    return std::min<size_t>(static_cast<size_t>(found - cumulative.begin()), cumulative.size() - 1);
  }

  [[nodiscard]] double draw_x(size_t at, size_t k, RandomStream& random) const {
    if (tables_[at].places.empty()) {
      const Normal x = large_count_x(side_.counts[at], level(k), model_.of_answers);
      const double radius = std::sqrt(-2 * std::log(1 - random.uniform()));
      return x.mean + std::sqrt(x.variance) * radius * std::cos(2 * std::numbers::pi * random.uniform());
    }
    const std::span<const double> places = std::span(tables_[at].places).subspan(k * kPlaces, kPlaces);
    return place(pick(places, random)) + kPlaceStep * (random.uniform() - 0.5);
  }

  const Side& side_;
  Model model_;
  std::vector<CountTable> tables_;
  const std::vector<size_t>* question_ = nullptr;
  std::vector<double> levels_;
};

// Questions have the same draws whichever group is left out.
double mean_r(const Side& up, const Side& down, const Model& up_model, const Model& down_model, size_t without,
              const CeilingOptions& options) {
  Expectations ups(up, up_model), downs(down, down_model);
  double sum = 0, n = 0;
  for (size_t q = 0; q < up.questions.size(); ++q) {
    if (q % kGroups == without) continue;
    std::vector<double> votes;
    for (size_t i = 0; i < up.questions[q].size(); ++i) {
      votes.push_back(static_cast<double>(up.counts[up.questions[q][i]] - down.counts[down.questions[q][i]]));
    }
    ups.choose(q);
    if (down.any) downs.choose(q);
    RandomStream random(options.seed, RandomPurpose::kCeiling, q);
    for (int draw = 0; draw < options.draws; ++draw) {
      std::vector<double> expected(votes.size());
      ups.draw(random, 1, expected);
      if (down.any) downs.draw(random, -1, expected);
      sum += pearson(votes, expected).value_or(0);
      n += 1;
    }
  }
  return sum / n;
}

double reliability_of(const std::vector<const std::vector<int64_t>*>& up,
                      const std::vector<const std::vector<int64_t>*>& down) {
  double noise = 0, squares = 0;
  for (size_t q = 0; q < up.size(); ++q) {
    const auto n = static_cast<double>(up[q]->size());
    std::vector<double> votes;
    double people = 0;
    for (size_t i = 0; i < up[q]->size(); ++i) {
      votes.push_back(static_cast<double>((*up[q])[i] - (*down[q])[i]));
      people += static_cast<double>((*up[q])[i] + (*down[q])[i]);
    }
    noise += people * (n - 1) / n;
    squares += (n - 1) * moments(votes).variance;
  }
  return 1 - noise / squares;
}

}  // namespace

VoteCeiling vote_ceiling(std::span<const VoteCounts> questions, const CeilingOptions& options) {
  constexpr double kModelError = 0.02;  // how far the mean was off where expectations were gamma
  constexpr int kRounds = 200, kRoundsAgain = 20;
  std::vector<const std::vector<int64_t>*> for_them, against;
  for (const VoteCounts& question : questions) {
    bool differ = false;
    for (size_t i = 1; i < question.up.size(); ++i) {
      differ = differ || question.up[i] - question.down[i] != question.up[0] - question.down[0];
    }
    if (!differ) continue;
    for_them.push_back(&question.up);
    against.push_back(&question.down);
  }
  VoteCeiling result;
  result.questions = static_cast<int64_t>(for_them.size());
  if (for_them.empty()) return result;
  result.reliability = std::max(0.0, reliability_of(for_them, against));
  const Side up = side_of(for_them), down = side_of(against);
  const Model up_model = fit(up, kNone, {}, kRounds), down_model = down.any ? fit(down, kNone, {-1}, kRounds) : Model();
  const double mean = mean_r(up, down, up_model, down_model, kNone, options);
  result.mean = mean;
  if (for_them.size() < kFewestForCeiling) return result;

  std::vector<double> without(kGroups);
  in_chunks(kGroups, options.threads, [&](size_t begin, size_t end) {
    for (size_t group = begin; group < end; ++group) {
      const Model up_rest = fit(up, group, up_model, kRoundsAgain);
      const Model down_rest = down.any ? fit(down, group, down_model, kRoundsAgain) : Model();
      without[group] = mean_r(up, down, up_rest, down_rest, group, options);
    }
  });
  const auto groups = static_cast<double>(kGroups);
  const auto reach_of = [&](const std::vector<double>& values) {
    const double error = (groups - 1) / std::sqrt(groups) * std::sqrt(moments(values).variance);
    return student_t_quantile(0.975, groups - 1) * error;
  };
  const double reach = reach_of(without) + kModelError;
  result.interval = Interval{mean - reach, std::min(1.0, mean + reach)};
  return result;
}

}  // namespace hre
