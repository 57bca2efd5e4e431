#pragma once
/// For tests and benchmarks: does each number come out at its neutral value where what it is about plays no part, and
/// does it recover a known truth where it does? For numbers of answers and shapes of votes.

#include <algorithm>
#include <cmath>
#include <map>
#include <numbers>
#include <optional>
#include <span>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "analysis/confounds.h"
#include "analysis/metric.h"
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
enum class Perfect {
  kNothing,
  kScoresAreVotes,
  kScoresAreLogVotes,
  kScoresAreRanks,
  kVotesAreLengths,
  kEqualBits,      ///< every text has about 1.5 bits per byte
  kBitsFromVotes,  ///< the texts with most votes have about 1, those with fewest about 2, the others about 1.5
};

/// One question of answers whose length is the covariate.
inline QuestionResult question_of(Simulator& simulator, const CovariateWorld& world, Perfect perfect) {
  const size_t n = testing_simulation::answers_of(simulator, world.answers);
  QuestionResult question;
  question.topic = "t";
  for (size_t i = 0; i < n; ++i) {
    const auto drawn = testing_simulation::covariate_answer(simulator, world, 0.8 * simulator.normal());
    AnswerResult answer;
    answer.n_chars = std::max<int64_t>(1, std::llround(std::exp(5.5 + drawn.covariate)));
    answer.votes = perfect == Perfect::kVotesAreLengths ? static_cast<double>(answer.n_chars) : drawn.votes;
    answer.score = perfect == Perfect::kScoresAreVotes ? answer.votes
                   : perfect == Perfect::kScoresAreLogVotes
                       ? std::copysign(std::log1p(std::abs(answer.votes)), answer.votes)
                       : drawn.score;
    answer.n_bytes = answer.n_chars;
    answer.posted = static_cast<double>(i);  // one after the other, which plays no part
    question.answers.push_back(answer);
  }
  if (perfect == Perfect::kScoresAreRanks) {
    const std::vector<double> ranks = average_ranks(votes_of(question.answers));
    for (size_t i = 0; i < n; ++i) question.answers[i].score = ranks[i];
  }
  if (perfect == Perfect::kEqualBits || perfect == Perfect::kBitsFromVotes) {
    const auto [fewest, most] = std::ranges::minmax(question.answers, {}, &AnswerResult::votes);
    for (AnswerResult& answer : question.answers) {
      double bits = 1.5 + 0.3 * simulator.normal();
      if (perfect == Perfect::kBitsFromVotes && answer.votes == most.votes) bits -= 0.5;
      if (perfect == Perfect::kBitsFromVotes && answer.votes == fewest.votes) bits += 0.5;
      answer.score = -bits * std::numbers::ln2;
    }
  }
  for (AnswerResult& answer : question.answers)
    answer.sum_log_prob = answer.score * static_cast<double>(answer.n_bytes);
  question.metrics = question_metrics(question.answers);
  add_bits_per_byte(question.answers, question.metrics);
  return question;
}

/// Each shape of votes has draws of its own.
inline uint64_t seed_of(uint64_t line, int kind) { return 20250101 + line + 1000 * static_cast<uint64_t>(kind); }

inline Summary summary_of(const CovariateWorld& world, size_t questions, Perfect perfect = Perfect::kNothing,
                          uint64_t seed = 1) {
  constexpr size_t kChunks = 64;
  std::vector<QuestionResult> all(questions);
  in_chunks(kChunks, 0, [&](size_t begin, size_t end) {
    for (size_t chunk = begin; chunk < end; ++chunk) {
      Simulator simulator(seed_of(seed, world.kind), chunk + 1);
      for (size_t i = chunk; i < questions; i += kChunks) all[i] = question_of(simulator, world, perfect);
    }
  });
  return summarize(all, {.draws = 0});
}

/// What came out for each number of answers of kAnswers; nothing where the quantity has no value for so few.
struct Line {
  std::string quantity, votes;
  double neutral = 0;                       ///< where `null` has any
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

/// The parts through other covariates: an answer's position, and the logarithm of its delay.
inline std::vector<Line> covariate_lines(int kind, size_t questions) {
  std::vector<Line> lines;
  for (const auto& [covariate, name] : {std::pair{1, "position"}, {2, "log delay"}}) {
    const std::tuple<const char*, double, double, uint64_t> nulls[] = {
        {"in neither", 0, 0, 21}, {"in votes", 0.5, 0, 22}, {"in scores", 0, 0.5, 23}};
    for (const auto& [where, votes, scores, seed] : nulls) {
      Line line{std::string("through ") + name + ": " + where, kVotes[kind], 0, {}, {}, {}, 0};
      if (kind == 2 && votes > 0) line.room = 0.012;  // as through length
      for (const size_t n : kAnswers) {
        Simulator simulator(seed_of(seed, kind), n);
        add(line, line.null,
            testing_simulation::parts_of(simulator, {n, votes, scores, 0.3, kind, covariate}, questions).through);
      }
      lines.push_back(line);
    }
    // Where votes and scores have nothing else in common, all of the value goes through it.
    Line all{std::string("through ") + name + " / value, nothing else in common", kVotes[kind], 0, {}, 1, {}, 0};
    for (const size_t n : kAnswers) {
      Simulator simulator(seed_of(29, kind), n);
      const ValueParts parts = testing_simulation::parts_of(simulator, {n, 0.6, 0.6, 0, kind, covariate}, questions);
      all.recovered.push_back(*parts.through.mean / *parts.value.mean);
      if (parts.share_interval) all.error = std::max(all.error, parts.share_interval->width() / 4);
    }
    lines.push_back(all);
  }
  return lines;
}

/// Correlations with a covariate: of votes and scores that have nothing to do with it, and of such as are the
/// covariate.
inline std::vector<Line> correlation_lines(int kind, size_t questions) {
  std::vector<Line> lines;
  for (const auto& [covariate, name] : {std::pair{0, "log length"}, {1, "position"}, {2, "log delay"}}) {
    Line votes{std::string("r of votes with ") + name, kVotes[kind], 0, {}, 1, {}, 0};
    Line scores{std::string("r of scores with ") + name, kVotes[kind], 0, {}, 1, {}, 0};
    for (const size_t n : kAnswers) {
      Simulator simulator(seed_of(39, kind), n);
      const auto unrelated = testing_simulation::correlations_of(simulator, {n, 0, 0, 0.3, kind, covariate}, questions);
      add(votes, votes.null, unrelated.votes);
      add(scores, scores.null, unrelated.scores);
      // Normal votes with next to nothing beside the covariate.
      const auto same = testing_simulation::correlations_of(simulator, {n, 1e6, 1e6, 0, 0, covariate}, questions / 4);
      add(votes, votes.recovered, same.votes);
      add(scores, scores.recovered, same.scores);
    }
    lines.insert(lines.end(), {votes, scores});
  }
  return lines;
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
                              {"NDCG - chance", &MetricSummary::ndcg},
                              {"Pairs that the later wins - chance", &MetricSummary::later_wins},
                              {"Pairs that the earlier wins - chance", &MetricSummary::earlier_wins}};
  std::vector<Summary> unrelated, perfect, perfect_log, perfect_ranks, lengths, related, no_part, votes_only,
      scores_only, equal_bits, bits_from_votes;
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
    equal_bits.push_back(summary_of({n, 0.5, 0, 0, kind}, questions / 4, Perfect::kEqualBits, 12));
    bits_from_votes.push_back(summary_of({n, 0.5, 0, 0, kind}, questions / 4, Perfect::kBitsFromVotes, 13));
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
  // Of pairs with different votes, the share that such scores order rightly, and by how much: those of questions of two
  // answers.
  const MetricSummary two = summary_of({2, 0.5, 0.4, 0.15, kind}, 3 * questions, Perfect::kNothing, 8).micro;
  Line pairs{"Pairwise accuracy", kVotes[kind], 0.5, {}, two.pairwise_accuracy.mean, {}, 0};
  Line margin{"Margin", kVotes[kind], 0, {}, two.margin.mean, {}, 0};
  for (size_t i = 0; i < related.size(); ++i) {
    add(pairs, pairs.null, unrelated[i].micro.pairwise_accuracy);
    add(pairs, pairs.recovered, related[i].micro.pairwise_accuracy);
    add(margin, margin.null, unrelated[i].micro.margin);
    add(margin, margin.recovered, related[i].micro.margin);
  }
  lines.insert(lines.end(), {pairs, margin});
  Line all{"Bits per byte", kVotes[kind], 0, {}, 1.5, {}, 0},
      best{"Bits per byte, best", kVotes[kind], 0, {}, 1, {}, 0},
      worst{"Bits per byte, worst", kVotes[kind], 0, {}, 2, {}, 0},
      gap{"Bits per byte, worst - best", kVotes[kind], 0, {}, 1, {}, 0};
  for (size_t i = 0; i < equal_bits.size(); ++i) {
    add(all, all.recovered, equal_bits[i].micro.bits_per_byte);
    add(best, best.recovered, bits_from_votes[i].micro.bits_best);
    add(worst, worst.recovered, bits_from_votes[i].micro.bits_worst);
    add(gap, gap.null, equal_bits[i].micro.bits_gap);
    add(gap, gap.recovered, bits_from_votes[i].micro.bits_gap);
  }
  lines.insert(lines.end(), {all, best, worst, gap});
  for (Line& line : covariate_lines(kind, questions)) lines.push_back(std::move(line));
  for (Line& line : correlation_lines(kind, questions)) lines.push_back(std::move(line));
  return lines;
}

/// The ceiling of counted votes, the share of their variance that is not chance, and a value as a share of the ceiling.
/// The ceiling has no neutral value of its own: of votes that mean nothing it came out at up to 0.2
/// (docs/statistics.md).
inline std::vector<Line> calibrate_ceiling(size_t questions) {
  using namespace testing_simulation;
  Line ceiling{"ceiling / the true one", "counted", 0, {}, 1, {}, 0},
      share{"value / ceiling, by the true one", "counted", 0, {}, 1, {}, 0},
      reliability{"reliability; recovered: by the true one", "counted", 0, {}, 1, {}, 0};
  for (const size_t n : kAnswers) {
    std::vector<VoteCounts> nothing, votes;
    std::vector<double> expected, values, unrelated;
    Simulator simulator(20250101, n);
    const CountWorld world{false, 1, 0.8, 0.2, n}, no_spread{false, 3, 0, 0, n};
    for (size_t i = 0; i < questions; ++i) {
      nothing.push_back(counted_question(simulator, no_spread, expected));
      votes.push_back(counted_question(simulator, world, expected));
      std::vector<double> differences, noise;
      for (size_t k = 0; k < expected.size(); ++k) {
        differences.push_back(static_cast<double>(votes.back().up[k] - votes.back().down[k]));
        noise.push_back(simulator.normal());
      }
      if (const auto r = pearson(differences, noisy_scores(simulator, expected))) values.push_back(*r);
      if (const auto r = pearson(differences, noise)) unrelated.push_back(*r);
    }
    const CeilingTruth truth = true_ceiling(world, 100000);
    const VoteCeiling found = vote_ceiling(votes, {.draws = 5});
    const auto error_of = [](const std::optional<Interval>& interval, double by) {
      return interval ? interval->width() / 4 / by : 0;
    };
    ceiling.recovered.push_back(*found.mean / truth.ceiling);
    ceiling.error = std::max(ceiling.error, error_of(found.interval, truth.ceiling));
    RunCeiling of_value;
    of_value.ceiling = found;
    of_value.value = mean_estimate(unrelated);
    share.null.push_back(of_value.share());
    share.error = std::max({share.error, *of_value.value.stderr_ / *found.mean, ceiling.error / truth.share});
    of_value.value = mean_estimate(values);
    share.recovered.push_back(*of_value.share() / truth.share);
    reliability.null.push_back(*vote_ceiling(nothing, {.draws = 1}).reliability);
    reliability.recovered.push_back(*found.reliability / truth.reliability);
    reliability.error = 0.6 / std::sqrt(static_cast<double>(questions));  // it has none of its own
  }
  return {ceiling, reliability, share};
}

/// How often the intervals of a summary hold: of every metric's mean over questions and over topics, of the bootstrap,
/// of the parts through length and beyond with topics of equal weight. By name.
inline std::vector<std::pair<std::string, testing_simulation::Coverage>> summary_coverage(
    const CovariateWorld& world, const std::vector<size_t>& sizes, const testing_simulation::Effort& effort) {
  std::vector<const Metric*> metrics;
  for (const std::span<const Metric> some : {all_metrics(), dated_metrics()}) {
    for (const Metric& metric : some) metrics.push_back(&metric);
  }
  const auto intervals_of = [&](const Summary& summary) {
    std::vector<std::pair<std::string, std::optional<Interval>>> all;
    const auto add = [&](const std::string& name, const std::optional<double>& low, const std::optional<double>& high) {
      all.emplace_back(name, low ? std::optional(Interval{*low, *high}) : std::nullopt);
    };
    for (const Metric* const metric : metrics) {
      const Estimate &micro = summary.micro.*metric->of_summary, &macro = summary.macro.*metric->of_summary;
      add(std::string(metric->title), micro.ci_low, micro.ci_high);
      if (effort.draws > 0) add(std::string(metric->title) + ", bootstrap", micro.bootstrap_low, micro.bootstrap_high);
      if (sizes.size() > 1) add(std::string(metric->title) + ", macro average", macro.ci_low, macro.ci_high);
    }
    if (sizes.size() > 1) {
      const LengthParts& parts = summary.macro_length;
      add("part through length, topics of equal weight", parts.through.ci_low, parts.through.ci_high);
      add("part beyond length, topics of equal weight", parts.beyond.ci_low, parts.beyond.ci_high);
    }
    return all;
  };
  const auto run_of = [&](Simulator& simulator) {
    std::vector<QuestionResult> questions;
    for (size_t topic = 0; topic < sizes.size(); ++topic) {
      for (size_t i = 0; i < sizes[topic]; ++i) {
        questions.push_back(question_of(simulator, world, Perfect::kNothing));
        questions.back().topic = "t" + std::to_string(1000 + topic);
      }
    }
    return questions;
  };
  // Topics are alike, so that the mean over them is that over questions.
  static std::map<std::pair<CovariateWorld, size_t>, Summary> known;
  const auto [at, is_new] = known.try_emplace({world, effort.truth_questions});
  if (is_new) at->second = summary_of(world, effort.truth_questions, Perfect::kNothing, 99);
  const Summary& all = at->second;
  std::vector<double> truths;
  for (const Metric* const metric : metrics) {
    const size_t n = 1 + (effort.draws > 0 ? 1 : 0) + (sizes.size() > 1 ? 1 : 0);
    truths.insert(truths.end(), n, *(all.micro.*metric->of_summary).mean);
  }
  if (sizes.size() > 1) truths.insert(truths.end(), {*all.micro_length.through.mean, *all.micro_length.beyond.mean});
  std::vector<std::vector<std::pair<std::string, std::optional<Interval>>>> seen(
      static_cast<size_t>(effort.simulations));
  in_chunks(seen.size(), effort.threads, [&](size_t begin, size_t end) {
    for (size_t i = begin; i < end; ++i) {
      Simulator simulator(20240601, i + 1);
      seen[i] = intervals_of(summarize(run_of(simulator), {.draws = effort.draws, .seed = i, .threads = 1}));
    }
  });
  std::vector<std::pair<std::string, testing_simulation::Coverage>> result;
  for (size_t k = 0; k < truths.size(); ++k) {
    double given = 0, held = 0;
    for (const auto& one : seen) {
      given += one[k].second ? 1 : 0;
      held += one[k].second && one[k].second->contains(truths[k]) ? 1 : 0;
    }
    result.push_back({seen.front()[k].first, {given / effort.simulations, given > 0 ? held / given : 0}});
  }
  return result;
}

/// How often the intervals hold that are shown of the differences between two runs, by every metric: of n questions
/// whose answers the second model scores as the first does, with noise. By name.
inline std::vector<std::pair<std::string, testing_simulation::Coverage>> metric_difference_coverage(
    const CovariateWorld& world, size_t n, const testing_simulation::Effort& effort) {
  std::vector<const Metric*> metrics;
  for (const Metric& metric : all_metrics()) {
    if (metric.of_model) metrics.push_back(&metric);
  }
  const auto question_of_both = [&](Simulator& simulator, QuestionMetrics& a, QuestionMetrics& b) {
    QuestionResult question;
    do question = question_of(simulator, world, Perfect::kNothing);
    while (!question.metrics.pearson);
    a = question.metrics;
    for (AnswerResult& answer : question.answers) {
      answer.score = 0.8 * answer.score - 0.2 + 0.5 * simulator.normal();
      answer.sum_log_prob = answer.score * static_cast<double>(answer.n_bytes);
    }
    b = question_metrics(question.answers);
    add_bits_per_byte(question.answers, b);
  };
  std::vector<double> truths(metrics.size());
  {
    Simulator simulator(987654321);
    QuestionMetrics a, b;
    for (size_t i = 0; i < effort.truth_questions; ++i) {
      question_of_both(simulator, a, b);
      for (size_t k = 0; k < metrics.size(); ++k) {
        truths[k] += (*(a.*metrics[k]->of_question) - *(b.*metrics[k]->of_question)) /
                     static_cast<double>(effort.truth_questions);
      }
    }
  }
  std::vector<std::vector<std::optional<Interval>>> seen(static_cast<size_t>(effort.simulations));
  in_chunks(seen.size(), effort.threads, [&](size_t begin, size_t end) {
    for (size_t i = begin; i < end; ++i) {
      Simulator simulator(20240601, i + 1);
      std::vector<QuestionMetrics> a(n), b(n);
      for (size_t k = 0; k < n; ++k) question_of_both(simulator, a[k], b[k]);
      for (const Metric* metric : metrics) {
        std::vector<std::vector<double>> values(2);
        for (size_t k = 0; k < n; ++k) {
          values[0].push_back(*(a[k].*metric->of_question));
          values[1].push_back(*(b[k].*metric->of_question));
        }
        ComparisonOptions options{.draws = effort.draws, .permutations = 1, .seed = i, .threads = 1};
        set_metric(*metric, values, options);
        seen[i].push_back(interval_of(compare_paired(values[0], values[1], std::vector<size_t>{n}, options)));
      }
    }
  });
  std::vector<std::pair<std::string, testing_simulation::Coverage>> result;
  for (size_t k = 0; k < metrics.size(); ++k) {
    double given = 0, held = 0;
    for (const auto& one : seen) {
      given += one[k] ? 1 : 0;
      held += one[k] && one[k]->contains(truths[k]) ? 1 : 0;
    }
    result.push_back({metrics[k]->title, {given / effort.simulations, given > 0 ? held / given : 0}});
  }
  return result;
}

}  // namespace hre::testing_calibration
