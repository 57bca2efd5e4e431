#pragma once
/// For tests and benchmarks: questions of the shape of the published ones, from models of known quality. Four answers
/// with skewed votes; a model's score of an answer is its log votes by some weight and noise.

#include <cmath>
#include <numbers>
#include <numeric>
#include <optional>
#include <vector>

#include "stats/bootstrap.h"
#include "stats/correlation.h"
#include "stats/parallel.h"
#include "stats/permutation.h"
#include "stats/random.h"
#include "stats/stopping.h"
#include "stats/summary.h"

namespace hre::testing_simulation {

class Simulator {
 public:
  explicit Simulator(uint64_t seed, uint64_t run = 0) : random_(seed, RandomPurpose::kSimulation, run) {}

  double normal() {  // Box and Muller
    const double radius = std::sqrt(-2 * std::log(1 - random_.uniform()));
    return radius * std::cos(2 * std::numbers::pi * random_.uniform());
  }

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

/// The mean value of a model of some quality, from so many questions.
inline double true_mean(double quality, size_t questions) {
  Simulator simulator(987654321);
  double sum = 0;
  for (size_t i = 0; i < questions; ++i) sum += simulator.question({quality}).front();
  return sum / static_cast<double>(questions);
}

/// Topics differ: the quality of a model on topic t of T, around 0.15.
inline double topic_quality(size_t topic, size_t topics) {
  return topics == 1 ? 0.15 : 0.3 * static_cast<double>(topic) / static_cast<double>(topics - 1);
}

/// One simulated run: n questions in equal topics.
struct SimulatedRun {
  std::vector<double> values;
  std::vector<size_t> sizes;
};

inline SimulatedRun simulated_run(Simulator& simulator, size_t n, size_t topics) {
  SimulatedRun run;
  for (size_t topic = 0; topic < topics; ++topic) {
    const std::vector<double> values = simulator.values(topic_quality(topic, topics), n / topics);
    run.values.insert(run.values.end(), values.begin(), values.end());
    run.sizes.push_back(values.size());
  }
  return run;
}

inline double true_mean_of_topics(size_t topics, size_t questions) {
  double sum = 0;
  for (size_t topic = 0; topic < topics; ++topic) sum += true_mean(topic_quality(topic, topics), questions);
  return sum / static_cast<double>(topics);
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

/// How often the 95 % bootstrap interval of the micro mean holds the truth.
inline double bootstrap_coverage(size_t n, size_t topics, const Effort& effort) {
  const double truth = true_mean_of_topics(topics, effort.truth_questions);
  return share_of(effort.simulations, effort.threads, [&](Simulator& simulator, size_t i) {
    const SimulatedRun run = simulated_run(simulator, n, topics);
    const BootstrapOptions options{.draws = effort.draws, .seed = i, .threads = 1};
    return bootstrap_interval(run.values, run.sizes, options)->contains(truth);
  });
}

/// How often Student's interval of the micro mean does.
inline double student_coverage(size_t n, size_t topics, const Effort& effort) {
  const double truth = true_mean_of_topics(topics, effort.truth_questions);
  return share_of(effort.simulations, effort.threads, [&](Simulator& simulator, size_t) {
    const Estimate estimate = mean_estimate(simulated_run(simulator, n, topics).values);
    return Interval{*estimate.ci_low, *estimate.ci_high}.contains(truth);
  });
}

/// How often the 95 % bootstrap interval of the difference of two models, one better, holds the truth.
inline double paired_coverage(size_t n, const Effort& effort) {
  const double truth = true_mean(0.25, effort.truth_questions) - true_mean(0.1, effort.truth_questions);
  return share_of(effort.simulations, effort.threads, [&](Simulator& simulator, size_t i) {
    const std::vector<double> differences = simulator.differences(0.25, 0.1, n);
    const BootstrapOptions options{.draws = effort.draws, .seed = i, .threads = 1};
    return bootstrap_interval(differences, std::vector<size_t>{n}, options)->contains(truth);
  });
}

/// How often the sign-flip test calls two equally good models different at 5 %.
inline double false_positives(size_t n, const Effort& effort) {
  return share_of(effort.simulations, effort.threads, [&](Simulator& simulator, size_t i) {
    return sign_flip_p(simulator.differences(0.2, 0.2, n), {effort.draws, i})->p <= 0.05;
  });
}

/// How often any look at a confidence sequence, one after each question in random turns of topics, excludes the true
/// mean.
inline double sequence_errors(size_t n, size_t topics, const Effort& effort) {
  const double truth = true_mean_of_topics(topics, effort.truth_questions);
  return share_of(effort.simulations, effort.threads, [&](Simulator& simulator, size_t i) {
    const SimulatedRun run = simulated_run(simulator, n, topics);
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
