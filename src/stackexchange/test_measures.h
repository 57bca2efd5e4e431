#pragma once
/// For tests and benchmarks: questions whose votes go with age, length and acceptance, and how often the intervals of a
/// card's table hold the truth about them.

#include <cmath>
#include <string>
#include <utility>
#include <vector>

#include "stackexchange/choose.h"
#include "stackexchange/measures.h"
#include "stats/parallel.h"
#include "stats/test_simulation.h"

namespace hre::stackexchange::testing_measures {

using testing_simulation::Coverage;
using testing_simulation::Effort;
using testing_simulation::Simulator;

/// How a dump's questions are made, and what is measured of them.
struct CardWorld {
  size_t fewest = 2, most = 2;  ///< answers to a question in the dump, evenly
  size_t chosen = 0;            ///< ... of which so many are taken by `choose`; 0: all
  Choice choose = Choice::kRandom;
  double age = 0, length = 0;  ///< effects on the logarithm of votes, of a deviation of log delay and log length
};

/// The measures of one question's answers. Votes are skewed counts that go with an answer's quality; askers accept by
/// quality, too, if at all.
inline AnswerMeasures simulated_answers(Simulator& simulator, const CardWorld& world) {
  constexpr double kMsAnHour = 3'600'000, kDays = 2000;
  const auto n = world.fewest + static_cast<size_t>(simulator.uniform() * double(world.most - world.fewest + 1));
  PostRecord question;
  question.created_ms = static_cast<int64_t>(24 * kMsAnHour * kDays * simulator.uniform());
  question.views = static_cast<uint32_t>(std::exp(6 + simulator.normal()));
  const auto end_ms = static_cast<int64_t>(24 * kMsAnHour * (kDays + 1000));
  std::vector<PostRecord> answers;
  std::vector<uint32_t> lengths;
  const bool accepts = simulator.uniform() < 0.6;
  size_t best = 0;
  double best_liking = -1e9;
  for (size_t i = 0; i < n; ++i) {
    const double quality = simulator.normal(), delay = simulator.normal(), length = simulator.normal();
    PostRecord answer;
    answer.id = static_cast<uint32_t>(i + 1);
    answer.created_ms = question.created_ms + static_cast<int64_t>(kMsAnHour * std::exp(2 + 2.5 * delay));
    answer.score =
        static_cast<int32_t>(std::floor(std::exp(1.2 + 0.9 * quality - world.age * delay + world.length * length)) - 1);
    lengths.push_back(static_cast<uint32_t>(std::exp(6.5 + 0.8 * length)));
    const double liking = quality + simulator.normal();
    if (liking > best_liking) {
      best = i;
      best_liking = liking;
    }
    answers.push_back(answer);
  }
  if (accepts) answers[best].flags |= kAccepted;
  if (world.chosen > 0) {
    const auto seed = static_cast<uint64_t>(1e9 * simulator.uniform());
    std::vector<PostRecord> some;
    std::vector<uint32_t> some_lengths;
    for (const size_t i : choose_answers(world.choose, world.chosen, seed, "site", answers)) {
      some.push_back(answers[i]);
      some_lengths.push_back(lengths[i]);
    }
    return measure(question, some, some_lengths, end_ms);
  }
  return measure(question, answers, lengths, end_ms);
}

inline SetMeasures simulated_set(Simulator& simulator, const CardWorld& world, size_t questions) {
  SetMeasures set;
  for (size_t i = 0; i < questions; ++i) set.add(simulated_answers(simulator, world));
  return set;
}

/// All that a column of the table shows: what the card itself calls, by its row.
inline std::vector<std::pair<std::string, Estimate>> column_of(const SetMeasures& set) {
  return {{"share of votes that order explains", explained_share(set, Explainer::kOrder)},
          {"share of votes per 1,000 views that order explains", explained_share(set, Explainer::kRateOrder)},
          {"share of votes that the delay explains", explained_share(set, Explainer::kDelay)},
          {"share of votes that length explains", explained_share(set, Explainer::kLength)},
          {"pairs that the later answer wins", later_wins_share(set)},
          {"r of votes and acceptance", accepted_correlation(set)},
          {"the accepted answer has the most votes", accepted_first_share(set)}};
}

/// What a column shows of very many questions.
inline std::vector<std::pair<std::string, Estimate>> true_column(const CardWorld& world, const Effort& effort) {
  Simulator simulator(987654321);
  return column_of(simulated_set(simulator, world, effort.truth_questions));
}

/// How often each interval of the column holds the truth, of sets of so many questions, by its row.
inline std::vector<std::pair<std::string, Coverage>> card_coverage(
    const CardWorld& world, const std::vector<std::pair<std::string, Estimate>>& truths, size_t questions,
    const Effort& effort) {
  const auto n = static_cast<size_t>(effort.simulations);
  std::vector<std::vector<std::pair<std::string, Estimate>>> seen(n);
  in_chunks(n, effort.threads, [&](size_t begin, size_t end) {
    for (size_t i = begin; i < end; ++i) {
      Simulator simulator(20240601, i + 1);
      seen[i] = column_of(simulated_set(simulator, world, questions));
    }
  });
  std::vector<std::pair<std::string, Coverage>> rows;
  for (size_t row = 0; row < truths.size(); ++row) {
    double given = 0, held = 0;
    for (const auto& column : seen) {
      const Estimate& estimate = column[row].second;
      if (!estimate.ci_low) continue;
      ++given;
      held += *estimate.ci_low <= *truths[row].second.mean && *truths[row].second.mean <= *estimate.ci_high ? 1 : 0;
    }
    rows.emplace_back(truths[row].first, Coverage{given / double(n), given > 0 ? held / given : 0});
  }
  return rows;
}

}  // namespace hre::stackexchange::testing_measures
