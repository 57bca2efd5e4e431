#pragma once
/// For tests and benchmarks: questions of the shape of the published ones, from models of known quality. Four answers
/// with skewed votes; a model's score of an answer is its log votes by some weight and noise.

#include <algorithm>
#include <cmath>
#include <compare>
#include <map>
#include <numbers>
#include <numeric>
#include <optional>
#include <span>
#include <tuple>
#include <vector>

#include "stats/agreement.h"
#include "stats/bootstrap.h"
#include "stats/ceiling.h"
#include "stats/cluster.h"
#include "stats/comparison.h"
#include "stats/confound.h"
#include "stats/contamination.h"
#include "stats/correlation.h"
#include "stats/estimate.h"
#include "stats/least_squares.h"
#include "stats/parallel.h"
#include "stats/permutation.h"
#include "stats/power.h"
#include "stats/random.h"
#include "stats/ranking.h"
#include "stats/repetition.h"
#include "stats/stopping.h"

namespace hre::testing_simulation {

class Simulator {
 public:
  explicit Simulator(uint64_t seed, uint64_t run = 0) : random_(seed, RandomPurpose::kSimulation, run) {}

  double normal() {  // Box and Muller
    const double radius = std::sqrt(-2 * std::log(1 - random_.uniform()));
    return radius * std::cos(2 * std::numbers::pi * random_.uniform());
  }

  double uniform() { return random_.uniform(); }

  /// Many with few votes, few with many; now and then one below zero.
  double votes() { return std::floor(std::exp(1.2 + 1.1 * normal())) - 1; }

  /// A question's Pearson correlation for each model, all on the same answers. Models share half of their noise.
  std::vector<double> question(const std::vector<double>& quality) {
    std::vector<std::optional<double>> values;
    do values = try_question(quality);
    while (!values.front());
    std::vector<double> result;
    for (const auto& value : values) result.push_back(value.value_or(0));
    return result;
  }

  /// Differences of two models on the same n questions.
  std::vector<double> differences(double quality_a, double quality_b, size_t n) {
    std::vector<double> result;
    for (size_t i = 0; i < n; ++i) {
      const std::vector<double> values = question({quality_a, quality_b});
      result.push_back(values[0] - values[1]);
    }
    return result;
  }

  /// One model's values of n questions.
  std::vector<double> values(double quality, size_t n) {
    std::vector<double> result;
    for (size_t i = 0; i < n; ++i) result.push_back(question({quality}).front());
    return result;
  }

 private:
  static constexpr size_t kAnswers = 4;

  std::vector<std::optional<double>> try_question(const std::vector<double>& quality) {
    std::vector<double> votes_of(kAnswers);
    std::vector<double> shared(kAnswers);
    for (size_t i = 0; i < kAnswers; ++i) {
      votes_of[i] = votes();
      shared[i] = normal();
    }
    std::vector<std::optional<double>> values;
    for (const double weight : quality) {
      std::vector<double> scores(kAnswers);
      for (size_t i = 0; i < kAnswers; ++i) {
        scores[i] = weight * std::log(votes_of[i] + 3) + std::sqrt(0.5) * (shared[i] + normal());
      }
      values.push_back(pearson(votes_of, scores));
    }
    return values;
  }

  RandomStream random_;
};

/// The mean value of a model of some quality, from so many questions. Kept, as one thread asks for the same ones often.
inline double true_mean(double quality, size_t questions) {
  static std::map<std::pair<double, size_t>, double> known;
  const auto [mean, is_new] = known.try_emplace({quality, questions});
  if (!is_new) return mean->second;
  Simulator simulator(987654321);
  double sum = 0;
  for (size_t i = 0; i < questions; ++i) sum += simulator.question({quality}).front();
  return mean->second = sum / static_cast<double>(questions);
}

/// Topics differ: one of five qualities, around 0.15.
inline double topic_quality(size_t topic, size_t topics) {
  return topics == 1 ? 0.15 : 0.075 * static_cast<double>(topic % 5);
}

/// Sizes of topics: how n questions may be spread.
inline std::vector<size_t> equal_topics(size_t n, size_t topics) { return std::vector<size_t>(topics, n / topics); }
inline std::vector<size_t> single_questions(size_t n) { return std::vector<size_t>(n, 1); }
/// Two topics, and as many topics of one question as one of them has questions.
inline std::vector<size_t> mostly_singles(size_t n) {
  std::vector<size_t> sizes = {n / 4, n / 4};
  sizes.resize(2 + n - 2 * (n / 4), 1);
  return sizes;
}

/// One simulated run.
struct SimulatedRun {
  std::vector<double> values;
  std::vector<size_t> sizes;
};

inline SimulatedRun simulated_run(Simulator& simulator, std::span<const size_t> sizes) {
  SimulatedRun run;
  for (size_t topic = 0; topic < sizes.size(); ++topic) {
    const std::vector<double> values = simulator.values(topic_quality(topic, sizes.size()), sizes[topic]);
    run.values.insert(run.values.end(), values.begin(), values.end());
    run.sizes.push_back(values.size());
  }
  return run;
}

/// The mean over questions, or over topics, that such a run is about.
inline double true_mean_of(std::span<const size_t> sizes, Weights weights, size_t questions) {
  double truths[5];
  for (size_t i = 0; i < 5; ++i) truths[i] = true_mean(topic_quality(i, sizes.size()), questions);
  const std::vector<double> shares = question_weights(sizes, weights);
  double sum = 0;
  for_each_topic(sizes, [&](size_t topic, size_t begin, size_t n) {
    for (size_t i = begin; i < begin + n; ++i) sum += shares[i] * truths[topic % 5];
  });
  return sum;
}

/// The share of simulations in which something happens. `happens` gets a simulator and the simulation's number.
template <class Happens>
double share_of(int simulations, int threads, Happens happens) {
  std::vector<char> seen(static_cast<size_t>(simulations));
  in_chunks(seen.size(), threads, [&](size_t begin, size_t end) {
    for (size_t i = begin; i < end; ++i) {
      Simulator simulator(20240601, i + 1);
      seen[i] = happens(simulator, i) ? 1 : 0;
    }
  });
  return static_cast<double>(std::accumulate(seen.begin(), seen.end(), 0)) / simulations;
}

struct Effort {
  int simulations = 0;
  int draws = 0;               ///< of a bootstrap or of signs
  size_t truth_questions = 0;  ///< to find the true mean with
  int threads = 0;
};

/// Of simulations: in which there is an interval, and of these, in which it holds the truth.
struct Coverage {
  double given = 0, held = 0;
};

/// `interval_of` gets a simulator and the simulation's number; it gives an optional interval.
template <class IntervalOf>
Coverage coverage_of(double truth, const Effort& effort, IntervalOf interval_of) {
  std::vector<char> given(static_cast<size_t>(effort.simulations)), held(given.size());
  in_chunks(given.size(), effort.threads, [&](size_t begin, size_t end) {
    for (size_t i = begin; i < end; ++i) {
      Simulator simulator(20240601, i + 1);
      const std::optional<Interval> interval = interval_of(simulator, i);
      given[i] = interval ? 1 : 0;
      held[i] = interval && interval->contains(truth) ? 1 : 0;
    }
  });
  const double n = std::accumulate(given.begin(), given.end(), 0.0);
  return {n / effort.simulations, n > 0 ? std::accumulate(held.begin(), held.end(), 0.0) / n : 0};
}

inline std::optional<Interval> student_interval(const Estimate& estimate) {
  if (!estimate.ci_low) return std::nullopt;
  return Interval{*estimate.ci_low, *estimate.ci_high};
}

/// The 95 % bootstrap interval of a mean.
inline Coverage bootstrap_coverage(const std::vector<size_t>& sizes, Weights weights, const Effort& effort) {
  const double truth = true_mean_of(sizes, weights, effort.truth_questions);
  return coverage_of(truth, effort, [&](Simulator& simulator, size_t i) {
    const SimulatedRun run = simulated_run(simulator, sizes);
    return bootstrap_interval(run.values, run.sizes,
                              {.draws = effort.draws, .seed = i, .threads = 1, .weights = weights});
  });
}

/// Student's interval of a mean, over questions or over topics.
inline Coverage student_coverage(const std::vector<size_t>& sizes, Weights weights, const Effort& effort) {
  const double truth = true_mean_of(sizes, weights, effort.truth_questions);
  return coverage_of(truth, effort, [&](Simulator& simulator, size_t) {
    const SimulatedRun run = simulated_run(simulator, sizes);
    return student_interval(weighted_estimate(run.values, run.sizes, weights));
  });
}

/// The interval of one model's mean over topics on newer questions less that on older ones.
inline Coverage older_coverage(const std::vector<size_t>& newer, const std::vector<size_t>& older,
                               const Effort& effort) {
  const auto topics_of = [](Simulator& simulator, const std::vector<size_t>& sizes) {
    std::vector<Estimate> topics;
    const SimulatedRun run = simulated_run(simulator, sizes);
    for_each_topic(sizes, [&](size_t, size_t begin, size_t n) {
      topics.push_back(mean_estimate(std::span(run.values).subspan(begin, n)));
    });
    return topics;
  };
  return coverage_of(0, effort, [&](Simulator& simulator, size_t) {
    const std::vector<Estimate> of_newer = topics_of(simulator, newer);
    return student_interval(difference_of_means(of_newer, topics_of(simulator, older)));
  });
}

/// The 95 % interval that is shown of a mean difference of values in [-1, 1]: the bootstrap's, or Student's where there
/// is none. `differences_of` gets a simulator.
template <class DifferencesOf>
Coverage difference_coverage(double truth, const Effort& effort, DifferencesOf differences_of) {
  return coverage_of(truth, effort, [&](Simulator& simulator, size_t i) -> std::optional<Interval> {
    const std::vector<double> differences = differences_of(simulator), zeros(differences.size());
    return interval_of(compare_paired(differences, zeros, std::vector<size_t>{differences.size()},
                                      {.draws = effort.draws, .permutations = 1, .seed = i, .threads = 1, .range = 2}));
  });
}

/// Of two models, one better.
inline Coverage paired_coverage(size_t n, const Effort& effort) {
  const double truth = true_mean(0.25, effort.truth_questions) - true_mean(0.1, effort.truth_questions);
  return difference_coverage(truth, effort, [&](Simulator& simulator) { return simulator.differences(0.25, 0.1, n); });
}

/// The same where topics differ, with questions or topics of equal weight.
inline Coverage paired_topics_coverage(const std::vector<size_t>& sizes, Weights weights, const Effort& effort) {
  const double gap = 0.15;
  double truths[5];
  for (size_t i = 0; i < 5; ++i) {
    const double quality = topic_quality(i, sizes.size());
    truths[i] = true_mean(quality + gap, effort.truth_questions) - true_mean(quality, effort.truth_questions);
  }
  const std::vector<double> shares = question_weights(sizes, weights);
  double truth = 0;
  for_each_topic(sizes, [&](size_t topic, size_t begin, size_t n) {
    for (size_t i = begin; i < begin + n; ++i) truth += shares[i] * truths[topic % 5];
  });
  return coverage_of(truth, effort, [&](Simulator& simulator, size_t i) {
    std::vector<double> differences;
    for (size_t topic = 0; topic < sizes.size(); ++topic) {
      const double quality = topic_quality(topic, sizes.size());
      const std::vector<double> own = simulator.differences(quality + gap, quality, sizes[topic]);
      differences.insert(differences.end(), own.begin(), own.end());
    }
    const std::vector<double> zeros(differences.size());
    return interval_of(compare_paired(
        differences, zeros, sizes,
        {.weights = weights, .draws = effort.draws, .permutations = 1, .seed = i, .threads = 1, .range = 2}));
  });
}

/// Student's interval of a mean of some metric, over n questions of so many answers. `quality` 0.2 is a mean r of about
/// 0.1, 0.7 of about 0.35, 1.2 of about 0.5.
inline Coverage metric_coverage(std::optional<double> (*metric)(std::span<const double>, std::span<const double>),
                                size_t answers, size_t n, const Effort& effort, double quality = 0.2) {
  const auto draw = [&](Simulator& simulator) {
    std::vector<double> votes(answers), scores(answers);
    for (;;) {
      for (size_t i = 0; i < answers; ++i) {
        votes[i] = simulator.votes();
        scores[i] = quality * std::log(votes[i] + 3) + simulator.normal();
      }
      if (const auto value = metric(votes, scores)) return *value;
    }
  };
  Simulator truth_simulator(987654321);
  double sum = 0;
  for (size_t i = 0; i < effort.truth_questions; ++i) sum += draw(truth_simulator);
  return coverage_of(sum / static_cast<double>(effort.truth_questions), effort, [&](Simulator& simulator, size_t) {
    std::vector<double> values(n);
    for (double& value : values) value = draw(simulator);
    return student_interval(mean_estimate(values, Interval{-1, 1}));
  });
}

/// The exact interval of a share of successes, as of Top-1.
inline Coverage exact_coverage(size_t n, double chance, const Effort& effort) {
  return coverage_of(chance, effort, [&](Simulator& simulator, size_t) {
    std::vector<double> values(n);
    for (double& value : values) value = simulator.uniform() < chance ? 1 : 0;
    return student_interval(mean_estimate(values, Interval{0, 1}));
  });
}

/// How differences are spread around their mean, with deviation 1.
enum class Spread {
  kEven,          ///< between two bounds
  kTails,         ///< as two models' are, and more: normal, of a deviation that is log-normal (0.7)
  kSeldom,        ///< one question in ten is gained or lost outright, the others hardly differ
  kVerySeldom,    ///< one in twenty
  kSeldomLosses,  ///< one in twenty is lost outright
  kSkewed,        ///< exponential
};

inline double spread_value(Simulator& simulator, Spread spread) {
  const auto outright = [&](double share) {
    const double sign = simulator.uniform() < 0.5 ? -1 : 1, own = 0.02 * simulator.normal();
    return (own + (simulator.uniform() < share ? sign : 0)) / std::sqrt(share + 0.0004);
  };
  switch (spread) {
    case Spread::kEven:
      return (2 * simulator.uniform() - 1) * std::sqrt(3.0);
    case Spread::kTails:
      return simulator.normal() * std::exp(0.7 * simulator.normal() - 0.49);
    case Spread::kSeldom:
      return outright(0.1);
    case Spread::kVerySeldom:
      return outright(0.05);
    case Spread::kSeldomLosses:
      return (0.05 - (simulator.uniform() < 0.05 ? 1 : 0) + 0.05 * simulator.normal()) / std::sqrt(0.05);
    case Spread::kSkewed:
      break;
  }
  return -std::log(1 - simulator.uniform()) - 1;
}

/// Of two models of which one loses one question in twenty outright, by 1; the others differ by so much.
inline Coverage loss_coverage(size_t n, double others, const Effort& effort) {
  return difference_coverage(-0.05, effort, [&](Simulator& simulator) {
    std::vector<double> differences(n);
    for (double& one : differences) one = others * simulator.normal() - (simulator.uniform() < 0.05 ? 1 : 0);
    return differences;
  });
}

/// The same of values without bounds: of one question in twenty the value is worse by one deviation of the baseline's
/// values, and others differ by `others` of it.
inline Coverage unbounded_loss_coverage(size_t n, double others, const Effort& effort) {
  constexpr double kDeviation = 0.3;
  return coverage_of(-0.05 * kDeviation, effort, [&](Simulator& simulator, size_t i) {
    std::vector<double> a(n), b(n);
    for (size_t k = 0; k < n; ++k) {
      b[k] = 1 + kDeviation * simulator.normal();
      a[k] = b[k] + kDeviation * (others * simulator.normal() - (simulator.uniform() < 0.05 ? 1 : 0));
    }
    return interval_of(compare_paired(a, b, std::vector<size_t>{n},
                                      {.draws = effort.draws, .permutations = 1, .seed = i, .threads = 1}));
  });
}

/// The interval of an effect size, and so of the number of questions that would find it. With topics of equal weight,
/// of the effect that such a comparison has.
inline Coverage effect_coverage(const std::vector<size_t>& sizes, Weights weights, double truth, Spread spread,
                                const Effort& effort) {
  const size_t n = std::accumulate(sizes.begin(), sizes.end(), size_t{0});
  double squares = 0;  // the standard error of the weighted mean, by that of one value
  for (const double share : question_weights(sizes, weights)) squares += share * share;
  const double mean = truth * std::sqrt(squares * static_cast<double>(n));
  return coverage_of(truth, effort, [&](Simulator& simulator, size_t) {
    std::vector<double> values(n);
    for (double& value : values) value = mean + spread_value(simulator, spread);
    return effect_interval(values, sizes, weights);
  });
}

/// The interval of a correlation over n models, of which the two columns are normal with correlation rho.
inline Coverage agreement_coverage(CorrelationKind kind, size_t n, double rho, const Effort& effort) {
  const double truth = kind == CorrelationKind::kPearson    ? rho
                       : kind == CorrelationKind::kSpearman ? 6 / std::numbers::pi * std::asin(rho / 2)
                                                            : 2 / std::numbers::pi * std::asin(rho);
  return coverage_of(truth, effort, [&](Simulator& simulator, size_t) -> std::optional<Interval> {
    std::vector<double> x(n), y(n);
    for (size_t i = 0; i < n; ++i) {
      x[i] = simulator.normal();
      y[i] = rho * x[i] + std::sqrt(1 - rho * rho) * simulator.normal();
    }
    const auto r = correlation(kind, x, y);
    return r ? agreement_interval(kind, *r, static_cast<int64_t>(n)) : std::nullopt;
  });
}

/// The cluster-robust interval (or the bootstrap's over clusters) of a mean over n questions of so many clusters, which
/// share a part of their values. `uneven`: clusters of sizes in 1 : 2 : 3 : 4, again and again. With topics of equal
/// weight, clusters are topics.
inline Coverage cluster_coverage(size_t n, size_t clusters, bool uneven, bool bootstrap, const Effort& effort,
                                 Weights weigh = Weights::kQuestions) {
  std::vector<size_t> of_question;
  for (size_t cluster = 0, i = 0; of_question.size() < n; cluster = (cluster + 1) % clusters, ++i) {
    for (size_t k = 0; k <= (uneven ? cluster % 4 : 0) && of_question.size() < n; ++k) of_question.push_back(cluster);
  }
  std::ranges::sort(of_question);
  std::vector<size_t> sizes(clusters);
  for (const size_t cluster : of_question) ++sizes[cluster];
  const std::vector<double> weights = question_weights(sizes, weigh);
  return coverage_of(0, effort, [&](Simulator& simulator, size_t i) -> std::optional<Interval> {
    std::vector<double> shared(clusters), values(n);
    for (double& value : shared) value = 0.3 * simulator.normal();
    ClusterLabels labels(n);
    for (size_t k = 0; k < n; ++k) {
      values[k] = shared[of_question[k]] + 0.5 * simulator.normal();
      labels[k] = {of_question[k]};
    }
    const Estimate e =
        clustered_mean(values, weights, labels, {.draws = bootstrap ? effort.draws : 0, .seed = i, .threads = 1})
            .estimate;
    if (bootstrap && e.bootstrap_low) return Interval{*e.bootstrap_low, *e.bootstrap_high};
    return bootstrap ? std::nullopt : student_interval(e);
  });
}

/// The cluster-robust interval of a mean over n questions, each with answers of four of so many authors. An author's
/// part in a question's value is shared by all questions that have an answer of theirs. `skewed`: few authors write
/// most.
inline Coverage author_coverage(size_t n, size_t authors, bool skewed, const Effort& effort) {
  return coverage_of(0, effort, [&](Simulator& simulator, size_t) -> std::optional<Interval> {
    std::vector<double> shared(authors), values(n);
    for (double& value : shared) value = 0.6 * simulator.normal();
    ClusterLabels labels(n);
    for (size_t k = 0; k < n; ++k) {
      values[k] = 0.5 * simulator.normal();
      for (int answer = 0; answer < 4; ++answer) {
        const double u = simulator.uniform();
        const auto author = static_cast<size_t>(static_cast<double>(authors) * (skewed ? u * u : u));
        values[k] += shared[author] / 4;
        if (std::ranges::find(labels[k], author) == labels[k].end()) labels[k].push_back(author);
      }
    }
    return student_interval(
        clustered_mean(values, question_weights(equal_topics(n, 1), Weights::kQuestions), labels, {.draws = 0})
            .estimate);
  });
}

/// The interval of a least-squares line through n points, in the middle or at their edge.
inline Coverage line_coverage(size_t n, double at, const Effort& effort) {
  return coverage_of(1 + 0.5 * at, effort, [&](Simulator& simulator, size_t) -> std::optional<Interval> {
    std::vector<double> x(n), y(n);
    for (size_t i = 0; i < n; ++i) {
      x[i] = 2 * simulator.uniform() - 1;
      y[i] = 1 + 0.5 * x[i] + 0.3 * simulator.normal();
    }
    return least_squares(x, y)->interval(at);
  });
}

/// How often 5 % of p is said of two unrelated columns over n models, or of two groups of n models that are alike.
inline double agreement_errors(CorrelationKind kind, size_t n, const Effort& effort) {
  return share_of(effort.simulations, effort.threads, [&](Simulator& simulator, size_t i) {
    std::vector<double> x(n), y(n);
    for (double& value : x) value = simulator.normal();
    for (double& value : y) value = simulator.normal();
    return agreement(kind, x, y, {effort.draws, i}).p->p <= 0.05;
  });
}
inline double stage_errors(size_t n, const Effort& effort) {
  return share_of(effort.simulations, effort.threads, [&](Simulator& simulator, size_t i) {
    std::vector<double> low(n), high(n);
    for (double& value : low) value = simulator.normal();
    for (double& value : high) value = simulator.normal();
    return area_under_curve(low, high, {effort.draws, i})->p.p <= 0.05;
  });
}

/// What a statistic over questions or models comes out at on average, for several numbers of them: where there is
/// nothing to be found, and where there is.
struct Neutral {
  const char* quantity;
  const char* counts;
  double neutral = 0;
  std::vector<double> null;
  double truth = 0;
  std::vector<double> recovered;
  double error = 0;  ///< of these means, the largest
  double low = 0;    ///< how far below the truth, as a share of it, few of them are by nature
};

/// `statistic` gets a simulator, a number of questions or models, and whether there is something to be found.
template <class Statistic>
Neutral neutral_of(Neutral line, const std::vector<size_t>& counts, int simulations, Statistic statistic) {
  for (const bool related : {false, true}) {
    for (const size_t n : counts) {
      std::vector<double> values(static_cast<size_t>(simulations));
      in_chunks(values.size(), 0, [&](size_t begin, size_t end) {
        for (size_t i = begin; i < end; ++i) {
          Simulator simulator(20250301, i + 1);
          values[i] = statistic(simulator, n, related);
        }
      });
      const Moments m = moments(values);
      (related ? line.recovered : line.null).push_back(m.mean);
      line.error = std::max(line.error, std::sqrt(m.variance / simulations));
    }
  }
  return line;
}

inline std::vector<Neutral> neutral_lines(int simulations) {
  const std::vector<size_t> questions = {30, 100, 500}, models = {5, 10, 30};
  const char *of_questions = "30, 100, 500 questions", *of_models = "5, 10, 30 models";
  const auto normals = [](Simulator& simulator, size_t n, double mean = 0) {
    std::vector<double> values(n);
    for (double& value : values) value = mean + simulator.normal();
    return values;
  };
  std::vector<Neutral> lines;
  lines.push_back(
      neutral_of({"d_z of a paired comparison", of_questions, 0, {}, 0.3, {}, 0, 0}, questions, simulations,
                 [&](Simulator& simulator, size_t n, bool related) {
                   const std::vector<double> a = normals(simulator, n, related ? 0.3 : 0), b(n);
                   return *compare_paired(a, b, std::vector<size_t>{n}, {.draws = 0, .permutations = 1}).effect_size;
                 }));
  const double by_one_deviation =
      std::erfc(-0.5) / 2;  // the chance that one of two normals, a deviation apart, is larger
  lines.push_back(neutral_of({"area under the curve of two stages", of_models, 0.5, {}, by_one_deviation, {}, 0, 0},
                             models, simulations, [&](Simulator& simulator, size_t n, bool related) {
                               const std::vector<double> low = normals(simulator, n);
                               return area_under_curve(low, normals(simulator, n, related ? 1 : 0), {1, 1})->area;
                             }));
  // Fisher's r of few models is low by (1 - r^2) / 2n of itself, Spearman's by about 3 / n.
  for (const auto& [kind, name, truth, low] :
       {std::tuple{CorrelationKind::kPearson, "agreement over models, Pearson", 0.5, 0.09},
        {CorrelationKind::kSpearman, "agreement over models, Spearman", 6 / std::numbers::pi * std::asin(0.25), 0.17},
        {CorrelationKind::kKendall, "agreement over models, Kendall", 1.0 / 3, 0.0}}) {
    const CorrelationKind of = kind;  // clang 14 captures no structured binding
    lines.push_back(neutral_of({name, of_models, 0, {}, truth, {}, 0, low}, models, simulations,
                               [&](Simulator& simulator, size_t n, bool related) {
                                 const std::vector<double> x = normals(simulator, n);
                                 std::vector<double> y = normals(simulator, n);
                                 for (size_t i = 0; related && i < n; ++i) y[i] = 0.5 * x[i] + std::sqrt(0.75) * y[i];
                                 return *correlation(of, x, y);
                               }));
  }
  // What measuring each item three times leaves of an error, where measurements have a variance of 1, and where they
  // don't vary.
  lines.push_back(neutral_of(
      {"measurements' part of an error, squared, times questions", of_questions, 0, {}, 1.0 / 3, {}, 0, 0}, questions,
      simulations, [&](Simulator& simulator, size_t n, bool related) {
        std::vector<double> means(n);
        std::vector<Repeats> items(n);
        for (size_t i = 0; i < n; ++i) {
          std::vector<double> measured = normals(simulator, 3);
          const double item = simulator.normal();
          for (double& one : measured) one = item + (related ? one : 0);
          const Moments m = moments(measured);
          means[i] = m.mean;
          items[i] = {3, m.variance};
        }
        const double error = *mean_estimate(means).stderr_;
        const RepetitionParts parts =
            repetition_parts(error, *measurement_variances(items), std::vector<size_t>{n}, Weights::kQuestions);
        return parts.measurements * parts.measurements * static_cast<double>(n);
      }));
  return lines;
}

/// Votes that are counts, around expectations that are log-normal, or gamma with shape 2, which the ceiling's model has
/// not.
struct CountWorld {
  bool gamma = false;
  double mean = 0.5, spread = 0.8;  ///< of log expectations, between answers; questions differ by a spread of 0.8
  double down = 0;                  ///< votes against by votes for; 0: none
  size_t answers = 4;               ///< of a question; 0: 2 to 10
};

/// A question's number of answers in a world of so many; 0 stands for 2 to 10.
inline size_t answers_of(Simulator& simulator, size_t answers) {
  return answers > 0 ? answers : 2 + static_cast<size_t>(9 * simulator.uniform());
}

/// Knuth's: products of uniform numbers; the expectations here are small enough.
inline int64_t poisson(Simulator& simulator, double expectation) {
  const double least = std::exp(-expectation);
  double product = 1 - simulator.uniform();
  int64_t n = 0;
  while (product > least) {
    product *= 1 - simulator.uniform();
    ++n;
  }
  return n;
}

/// A question's votes; `expected` gets what they are on average.
inline VoteCounts counted_question(Simulator& simulator, const CountWorld& world, std::vector<double>& expected) {
  VoteCounts votes;
  expected.clear();
  const double level = world.mean + 0.8 * simulator.normal();
  for (size_t i = answers_of(simulator, world.answers); i > 0; --i) {
    const double deviation = world.gamma
                                 ? std::log(-std::log((1 - simulator.uniform()) * (1 - simulator.uniform())) / 2)
                                 : world.spread * simulator.normal();
    const double up = std::exp(std::min(level + deviation, 6.0));
    const double down = world.down > 0 ? world.down * std::exp(level + 0.6 * simulator.normal()) : 0;
    votes.up.push_back(poisson(simulator, up));
    votes.down.push_back(poisson(simulator, down));
    expected.push_back(up - down);
  }
  return votes;
}

/// Scores that know expectations but for noise.
inline std::vector<double> noisy_scores(Simulator& simulator, const std::vector<double>& expected) {
  std::vector<double> scores;
  for (const double one : expected) scores.push_back(std::asinh(one) + 1.5 * simulator.normal());
  return scores;
}

/// What is to be found of such votes: the mean r of votes and expectations, the share of the votes' variance that is
/// not chance, and the mean r of noisy scores as a share of the first.
struct CeilingTruth {
  double ceiling = 0, reliability = 0, share = 0;
};
inline CeilingTruth true_ceiling(const CountWorld& world, size_t questions) {
  Simulator simulator(987654321);
  double sum = 0, n = 0, value = 0, known = 0, all = 0;
  std::vector<double> expected;
  for (size_t i = 0; i < questions; ++i) {
    const VoteCounts votes = counted_question(simulator, world, expected);
    std::vector<double> differences;
    double people = 0;
    for (size_t k = 0; k < votes.up.size(); ++k) {
      differences.push_back(static_cast<double>(votes.up[k] - votes.down[k]));
      people += static_cast<double>(votes.up[k] + votes.down[k]);
    }
    if (const auto r = pearson(differences, expected)) {
      const double answers = static_cast<double>(differences.size());
      sum += *r;
      n += 1;
      value += pearson(differences, noisy_scores(simulator, expected)).value_or(0);
      all += (answers - 1) * moments(differences).variance;
      known += (answers - 1) * moments(differences).variance - people * (answers - 1) / answers;
    }
  }
  return {sum / n, known / all, value / sum};
}

struct CeilingCoverage {
  Coverage ceiling, share;
};
/// `share_of_ceiling` gets the estimate of a value and a ceiling, and gives the interval of the one as a share of the
/// other.
template <class ShareOfCeiling>
CeilingCoverage ceiling_coverage(const CountWorld& world, size_t questions, const Effort& effort,
                                 ShareOfCeiling share_of_ceiling) {
  const CeilingTruth truth = true_ceiling(world, 100000);
  std::vector<std::optional<Interval>> intervals[2];
  for (auto& all : intervals) all.resize(static_cast<size_t>(effort.simulations));
  in_chunks(intervals[0].size(), effort.threads, [&](size_t begin, size_t end) {
    for (size_t i = begin; i < end; ++i) {
      Simulator simulator(20240601, i + 1);
      std::vector<VoteCounts> votes;
      std::vector<double> expected, values;
      while (votes.size() < questions) {
        votes.push_back(counted_question(simulator, world, expected));
        std::vector<double> differences;
        for (size_t k = 0; k < expected.size(); ++k)
          differences.push_back(static_cast<double>(votes.back().up[k] - votes.back().down[k]));
        if (const auto r = pearson(differences, noisy_scores(simulator, expected))) values.push_back(*r);
      }
      const VoteCeiling ceiling = vote_ceiling(votes, {.seed = i, .threads = 1});
      intervals[0][i] = ceiling.interval;
      intervals[1][i] = share_of_ceiling(mean_estimate(values), ceiling);
    }
  });
  const auto held = [&](const std::vector<std::optional<Interval>>& all, double value) {
    double given = 0, right = 0;
    for (const auto& interval : all) {
      given += interval ? 1 : 0;
      right += interval && interval->contains(value) ? 1 : 0;
    }
    return Coverage{given / effort.simulations, given > 0 ? right / given : 0};
  };
  return {held(intervals[0], truth.ceiling), held(intervals[1], truth.share)};
}

/// How votes and scores of answers go with each other and with a covariate.
struct CovariateWorld {
  size_t answers = 4;            ///< of a question; 0: 2 to 10
  double votes = 0, scores = 0;  ///< slopes on the covariate
  double rest = 0;               ///< the correlation of what is left of both
  int kind = 0;                  ///< of votes: 0 normal, 1 skewed counts, 2 few counts with many ties
  int covariate = 0;             ///< 0 normal, as log length; 1 ranks, as positions; 2 log delays, of a minute to years

  auto operator<=>(const CovariateWorld&) const = default;  // NOLINT(modernize-use-nullptr): there is none
};

struct CovariateAnswer {
  double votes = 0, score = 0, covariate = 0;
};

/// An answer that has this place on the covariate.
inline CovariateAnswer covariate_answer(Simulator& simulator, const CovariateWorld& world, double z) {
  const double e = simulator.normal();
  double v = world.votes * z + e;
  const double s = world.scores * z + world.rest * e + std::sqrt(1 - world.rest * world.rest) * simulator.normal();
  if (world.kind == 1) v = std::floor(std::exp(1.2 + 1.1 * v)) - 1;
  if (world.kind == 2) v = std::floor(std::exp(0.3 + 0.7 * v));
  return {v, s, z};
}

/// The covariates of a question's answers, with a spread of about 0.8.
inline std::vector<double> covariates(Simulator& simulator, const CovariateWorld& world) {
  std::vector<double> values(answers_of(simulator, world.answers));
  for (double& z : values) z = 0.8 * simulator.normal();
  if (world.covariate == 1) {
    values = average_ranks(values);
    for (double& rank : values) rank *= 2.8 / static_cast<double>(values.size());
  }
  if (world.covariate == 2) {
    for (double& z : values) z = std::log1p(std::exp(2 + 4 * z)) / 4;
  }
  return values;
}

inline std::optional<CovariateProducts> covariate_question(Simulator& simulator, const CovariateWorld& world) {
  std::vector<double> votes, scores;
  const std::vector<double> covariate = covariates(simulator, world);
  for (const double z : covariate) {
    const CovariateAnswer answer = covariate_answer(simulator, world, z);
    votes.push_back(answer.votes);
    scores.push_back(answer.score);
  }
  return covariate_products(votes, scores, covariate);
}

/// The parts of the value over so many questions.
inline ValueParts parts_of(Simulator& simulator, const CovariateWorld& world, size_t questions) {
  std::vector<CovariateProducts> products;
  while (products.size() < questions) {
    if (const auto one = covariate_question(simulator, world)) products.push_back(*one);
  }
  return value_parts(products, std::vector<size_t>{questions}, Weights::kQuestions);
}

/// The parts that these intervals are about. Kept, as true_mean.
inline const ValueParts& true_parts(const CovariateWorld& world, size_t questions) {
  static std::map<std::pair<CovariateWorld, size_t>, ValueParts> known;
  const auto [parts, is_new] = known.try_emplace({world, questions});
  if (is_new) {
    Simulator simulator(987654321);
    parts->second = parts_of(simulator, world, questions);
  }
  return parts->second;
}

/// The interval of the part through the covariate, or of that beyond it.
inline Coverage parts_coverage(size_t questions, const CovariateWorld& world, bool beyond, const Effort& effort) {
  const ValueParts& all = true_parts(world, effort.truth_questions);
  const double truth = beyond ? *all.beyond.mean : *all.through.mean;
  return coverage_of(truth, effort, [&](Simulator& simulator, size_t) {
    const ValueParts parts = parts_of(simulator, world, questions);
    return student_interval(beyond ? parts.beyond : parts.through);
  });
}

/// The interval of the share of the value that goes through the covariate.
inline Coverage share_coverage(size_t questions, const CovariateWorld& world, const Effort& effort) {
  const ValueParts& all = true_parts(world, effort.truth_questions);
  return coverage_of(*all.through.mean / *all.value.mean, effort, [&](Simulator& simulator, size_t) {
    return parts_of(simulator, world, questions).share_interval;
  });
}

/// Mean correlations of votes and of scores with the covariate, over the questions where each varies.
struct CovariateCorrelations {
  Estimate votes, scores;
};
inline CovariateCorrelations correlations_of(Simulator& simulator, const CovariateWorld& world, size_t questions) {
  std::vector<double> of_votes, of_scores;
  for (size_t i = 0; i < questions; ++i) {
    std::vector<double> votes, scores;
    const std::vector<double> covariate = covariates(simulator, world);
    for (const double z : covariate) {
      const CovariateAnswer answer = covariate_answer(simulator, world, z);
      votes.push_back(answer.votes);
      scores.push_back(answer.score);
    }
    if (const auto r = pearson(votes, covariate)) of_votes.push_back(*r);
    if (const auto r = pearson(scores, covariate)) of_scores.push_back(*r);
  }
  return {mean_estimate(of_votes, Interval{-1, 1}), mean_estimate(of_scores, Interval{-1, 1})};
}

/// Student's interval of the mean correlation of votes, or of scores, with the covariate.
inline Coverage correlation_coverage(size_t questions, const CovariateWorld& world,
                                     Estimate CovariateCorrelations::*which, const Effort& effort) {
  Simulator truth(987654321);
  const Estimate all = correlations_of(truth, world, effort.truth_questions).*which;
  return coverage_of(*all.mean, effort, [&](Simulator& simulator, size_t) {
    return student_interval(correlations_of(simulator, world, questions).*which);
  });
}

/// The interval of a year's mean Min-K%: over questions of four answers of 20 to 200 tokens. Some questions
/// surprise more than others.
inline Coverage min_k_coverage(size_t questions, const Effort& effort) {
  const auto value = [](Simulator& simulator) {
    const double surprise = std::exp(0.3 * simulator.normal());
    double sum = 0;
    for (int answer = 0; answer < 4; ++answer) {
      std::vector<float> log_probs(20 + static_cast<size_t>(181 * simulator.uniform()));
      for (float& p : log_probs) p = static_cast<float>(surprise * std::log(1 - simulator.uniform()));
      sum += *min_k_percent(log_probs);
    }
    return sum / 4;
  };
  Simulator truth(987654321);
  const size_t many = effort.truth_questions / 5;
  double sum = 0;
  for (size_t i = 0; i < many; ++i) sum += value(truth);
  return coverage_of(sum / static_cast<double>(many), effort, [&](Simulator& simulator, size_t) {
    std::vector<double> values(questions);
    for (double& one : values) one = value(simulator);
    return student_interval(mean_estimate(values));
  });
}

/// How often the sign-flip test calls two equally good models different at 5 %.
inline double false_positives(size_t n, const Effort& effort) {
  return share_of(effort.simulations, effort.threads, [&](Simulator& simulator, size_t i) {
    return sign_flip_p(simulator.differences(0.2, 0.2, n), {effort.draws, i})->p <= 0.05;
  });
}

/// How a model that is worse by the margin loses: a little everywhere, much in one question of twenty, or twice the
/// margin everywhere but in one question of twenty, which it gains.
enum class Losses { kEverywhere, kSeldom, kButForSeldomGains };

/// How often two runs of equal means are told apart whose differences are skewed: as many, small and one-sided, as gate
/// models lose (Losses), or exponential with a deviation of 0.5.
inline double skewed_errors(size_t n, std::optional<Losses> losses, const Effort& effort) {
  return share_of(effort.simulations, effort.threads, [&](Simulator& simulator, size_t i) {
    std::vector<double> a(n), b(n);
    for (double& value : a) {
      const bool seldom = simulator.uniform() < 0.05;
      value = !losses                     ? 0.5 * spread_value(simulator, Spread::kSkewed)
              : losses == Losses::kSeldom ? (seldom ? -0.95 : 0.05)
                                          : (seldom ? 0.95 : -0.05);
    }
    const ComparisonOptions options{
        .draws = effort.draws, .permutations = effort.draws, .seed = i, .threads = 1, .range = 2};
    return told_apart(compare_paired(a, b, std::vector<size_t>{n}, options), 0.05);
  });
}

/// How often, of several equally good runs, any two are told apart, so that a rank set misses a true rank.
inline double many_run_errors(size_t n, size_t runs, const Effort& effort) {
  return share_of(effort.simulations, effort.threads, [&](Simulator& simulator, size_t i) {
    std::vector<std::vector<double>> values(runs);
    for (size_t k = 0; k < n; ++k) {
      const std::vector<double> question = simulator.question(std::vector<double>(runs, 0.2));
      for (size_t run = 0; run < runs; ++run) values[run].push_back(question[run]);
    }
    const std::vector<std::span<const double>> spans(values.begin(), values.end());
    const ManyComparison many = compare_many(spans, std::vector<size_t>{n},
                                             {.draws = 0, .permutations = effort.draws, .seed = i, .threads = 1});
    return std::ranges::any_of(many.pairs, [](const PairOfRuns& pair) { return told_apart(pair.comparison, 0.05); });
  });
}

/// How often any look at a confidence sequence, one after each question in random turns of topics, excludes the true
/// mean.
inline double sequence_errors(size_t n, size_t topics, const Effort& effort) {
  const std::vector<size_t> sizes = equal_topics(n, topics);
  const double truth = true_mean_of(sizes, Weights::kQuestions, effort.truth_questions);
  return share_of(effort.simulations, effort.threads, [&](Simulator& simulator, size_t i) {
    const SimulatedRun run = simulated_run(simulator, sizes);
    StoppingRule rule = StoppingRule::narrow({-1, 1}, 0);
    for (const size_t turn : random_turns(run.sizes, i)) {
      rule.add(run.values[turn]);
      if (!rule.interval().contains(truth)) return true;
    }
    return false;
  });
}

/// How often two equally good models are ever decided to differ, looking after every question.
inline double paired_sequence_errors(size_t questions, const Effort& effort) {
  return share_of(effort.simulations, effort.threads, [&](Simulator& simulator, size_t i) {
    const std::vector<double> differences = simulator.differences(0.2, 0.2, questions);
    return decide(differences, std::vector<size_t>{questions}, {-2, 2}, i).decided;
  });
}

}  // namespace hre::testing_simulation
