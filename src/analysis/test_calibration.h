#pragma once
/// For tests and benchmarks: does each number come out at its neutral value where what it is about plays no part, and
/// does it recover a known truth where it does? For numbers of answers and shapes of votes.

#include <cmath>
#include <optional>
#include <string>
#include <vector>

#include "analysis/question_metrics.h"
#include "hre/summary.h"
#include "stats/correlation.h"
#include "stats/test_simulation.h"

namespace hre::testing_calibration {

using testing_simulation::CovariateWorld;
using testing_simulation::Simulator;

inline constexpr size_t kAnswers[] = {2, 3, 4, 10, 0};  ///< 0: 2 to 10
inline constexpr const char* kVotes[] = {"normal", "skewed", "tied"};

/// What some quantity is the correlation of, where it is to come out as 1.
enum class Perfect { kNothing, kScoresAreVotes, kScoresAreLogVotes, kScoresAreRanks, kVotesAreLengths };

/// One question of answers whose length is the covariate.
inline QuestionResult question_of(Simulator& simulator, const CovariateWorld& world, Perfect perfect) {
  const size_t n = world.answers > 0 ? world.answers : 2 + static_cast<size_t>(9 * simulator.uniform());
  QuestionResult question;
  question.topic = "t";
  for (size_t i = 0; i < n; ++i) {
    const auto drawn = testing_simulation::covariate_answer(simulator, world);
    AnswerResult answer;
    answer.n_chars = std::max<int64_t>(1, std::llround(std::exp(5.5 + drawn.covariate)));
    answer.votes = perfect == Perfect::kVotesAreLengths ? static_cast<double>(answer.n_chars) : drawn.votes;
    answer.score = perfect == Perfect::kScoresAreVotes ? answer.votes
                   : perfect == Perfect::kScoresAreLogVotes
                       ? std::copysign(std::log1p(std::abs(answer.votes)), answer.votes)
                       : drawn.score;
    question.answers.push_back(answer);
  }
  if (perfect == Perfect::kScoresAreRanks) {
    const std::vector<double> ranks = average_ranks(votes_of(question.answers));
    for (size_t i = 0; i < n; ++i) question.answers[i].score = ranks[i];
  }
  question.metrics = question_metrics(question.answers);
  return question;
}

inline Summary summary_of(const CovariateWorld& world, size_t questions, Perfect perfect = Perfect::kNothing,
                          uint64_t seed = 1) {
  constexpr size_t kChunks = 64;
  std::vector<QuestionResult> all(questions);
  in_chunks(kChunks, 0, [&](size_t begin, size_t end) {
    for (size_t chunk = begin; chunk < end; ++chunk) {
      Simulator simulator(20250101 + seed, chunk + 1);
      for (size_t i = chunk; i < questions; i += kChunks) all[i] = question_of(simulator, world, perfect);
    }
  });
  return summarize(all, {.draws = 0});
}

/// What came out for each number of answers of kAnswers; nothing where the quantity has no value for so few.
struct Line {
  std::string quantity, votes;
  double neutral = 0;
  std::vector<std::optional<double>> null;  ///< where it plays no part
  std::optional<double> truth;
  std::vector<std::optional<double>> recovered;
  double error = 0;     ///< the largest standard error of what came out
  double room = 0.001;  ///< what may be missing besides: for rounding
};

inline void add(Line& line, std::vector<std::optional<double>>& values, const Estimate& estimate, double shift = 0) {
  values.push_back(estimate.mean ? std::optional(*estimate.mean - shift) : std::nullopt);
  line.error = std::max(line.error, estimate.stderr_.value_or(0));
}

/// All lines for one shape of votes.
inline std::vector<Line> calibrate(int kind, size_t questions) {
  struct OfMetric {
    const char* name;
    Estimate MetricSummary::*metric;
  };
  const OfMetric metrics[] = {{"Pearson", &MetricSummary::pearson},
                              {"Pearson, log votes", &MetricSummary::pearson_log},
                              {"Pearson, ranked votes", &MetricSummary::pearson_ranks},
                              {"Spearman", &MetricSummary::spearman},
                              {"Kendall tau-b", &MetricSummary::kendall},
                              {"Pairwise accuracy - chance", &MetricSummary::pairwise_accuracy},
                              {"Top-1 - chance", &MetricSummary::top_one},
                              {"NDCG - chance", &MetricSummary::ndcg}};
  std::vector<Summary> unrelated, perfect, perfect_log, perfect_ranks, lengths, related, no_part, votes_only,
      scores_only;
  for (const size_t n : kAnswers) {
    unrelated.push_back(summary_of({n, 0.5, 0, 0, kind}, questions, Perfect::kNothing, 1));
    perfect.push_back(summary_of({n, 0.5, 0, 0, kind}, questions, Perfect::kScoresAreVotes, 2));
    perfect_log.push_back(summary_of({n, 0.5, 0, 0, kind}, questions / 4, Perfect::kScoresAreLogVotes, 9));
    perfect_ranks.push_back(summary_of({n, 0.5, 0, 0, kind}, questions / 4, Perfect::kScoresAreRanks, 10));
    lengths.push_back(summary_of({n, 0, 0, 0.3, kind}, questions / 4, Perfect::kVotesAreLengths, 11));
    related.push_back(summary_of({n, 0.5, 0.4, 0.15, kind}, questions, Perfect::kNothing, 3));
    no_part.push_back(summary_of({n, 0, 0, 0.3, kind}, questions, Perfect::kNothing, 4));
    votes_only.push_back(summary_of({n, 0.5, 0, 0.3, kind}, questions, Perfect::kNothing, 5));
    scores_only.push_back(summary_of({n, 0, 0.5, 0.3, kind}, questions, Perfect::kNothing, 6));
  }
  std::vector<Line> lines;
  for (const OfMetric& metric : metrics) {
    Line line{metric.name, kVotes[kind], 0, {}, {}, {}, 0};
    const std::vector<Summary>& best_of = metric.metric == &MetricSummary::pearson_log     ? perfect_log
                                          : metric.metric == &MetricSummary::pearson_ranks ? perfect_ranks
                                                                                           : perfect;
    for (size_t i = 0; i < unrelated.size(); ++i) {
      const Estimate& e = unrelated[i].micro.*metric.metric;
      add(line, line.null, e, *e.chance);
      const Estimate& best = best_of[i].micro.*metric.metric;
      add(line, line.recovered, best, *best.chance);
      *line.recovered.back() /= 1 - *best.chance;  // as a share of what there is above chance
    }
    line.truth = 1;
    lines.push_back(line);
  }
  const std::pair<const char*, const std::vector<Summary>*> nulls[] = {{"through length: in neither", &no_part},
                                                                       {"through length: in votes", &votes_only},
                                                                       {"through length: in scores", &scores_only}};
  // The share that many answers would have, where ratios of spreads do not wander.
  const LengthParts many =
      summary_of({200, 0.5, 0.4, 0.15, kind}, std::max<size_t>(questions / 20, 500), Perfect::kNothing, 7).micro_length;
  for (const auto& [name, summaries] : nulls) {
    Line line{name, kVotes[kind], 0, {}, {}, {}, 0};
    // Questions whose votes are tied have no r. Those that are left have votes far apart, for which length and what
    // else moves the votes must have pulled together, so that scores which know the latter do go with length a little.
    if (kind == 2 && summaries == &votes_only) line.room = 0.012;
    for (const Summary& summary : *summaries) add(line, line.null, summary.micro_length.through);
    lines.push_back(line);
  }
  Line alone{"length alone", kVotes[kind], 0, {}, 1, {}, 0};
  for (const Summary& summary : no_part) add(alone, alone.null, summary.micro.length_only);
  for (const Summary& summary : lengths) add(alone, alone.recovered, summary.micro.length_only);
  lines.push_back(alone);
  Line share{"through length / value", kVotes[kind], 0, {}, *many.through.mean / *many.value.mean, {}, 0};
  for (size_t i = 0; i < related.size(); ++i) {
    const LengthParts& none = no_part[i].micro_length;
    share.null.push_back(*none.through.mean / *none.value.mean);
    const LengthParts& parts = related[i].micro_length;
    share.recovered.push_back(*parts.through.mean / *parts.value.mean);
    share.error = std::max(share.error, (*parts.share_high - *parts.share_low) / 4);
  }
  lines.push_back(share);
  // Of pairs with different votes, the share that such scores order rightly: that of questions of two answers.
  Line pairs{"Pairwise accuracy", kVotes[kind], 0.5, {}, {}, {}, 0};
  for (size_t i = 0; i < related.size(); ++i) {
    add(pairs, pairs.null, unrelated[i].micro.pairwise_accuracy);
    add(pairs, pairs.recovered, related[i].micro.pairwise_accuracy);
  }
  pairs.truth = summary_of({2, 0.5, 0.4, 0.15, kind}, 3 * questions, Perfect::kNothing, 8).micro.pairwise_accuracy.mean;
  lines.push_back(pairs);
  return lines;
}

}  // namespace hre::testing_calibration
