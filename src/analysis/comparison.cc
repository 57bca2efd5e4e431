#include "analysis/comparison.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <utility>

#include "analysis/notes.h"
#include "analysis/scores.h"
#include "core/text.h"
#include "stats/estimate.h"
#include "stats/grouped.h"
#include "stats/parallel.h"

namespace hre {
namespace {

ComparedRun describe(const Run& run, const SharedQuestions& shared, size_t position, UndefinedPolicy undefined,
                     const ComparisonOptions& statistics) {
  std::vector<QuestionResult> questions;
  for (size_t i = 0; i < shared.n(); ++i) {
    QuestionResult& question = questions.emplace_back(*shared.questions[position][i]);
    for (const auto& any_run : shared.questions) {  // the votes of a question that this run could not score
      for (const Metric& metric : all_metrics()) {
        if (metric.chance_of_question == nullptr) continue;
        std::optional<double>& chance = question.metrics.*metric.chance_of_question;
        if (!chance) chance = any_run[i]->metrics.*metric.chance_of_question;
      }
    }
  }
  return {run.model.name,
          run.model.source,
          run.created,
          summarize(questions, {undefined, statistics.draws, statistics.seed, statistics.threads}),
          {},
          shared.only_here[position],
          shared.undefined_in[position],
          {},
          run.item_metric.empty() ? score_formula(run) : ""};
}

std::vector<Repeats> repeats_of(const SharedQuestions& shared, size_t run) {
  std::vector<Repeats> repeats;
  for (const QuestionResult* question : shared.questions[run]) repeats.push_back(question->repeats);
  return repeats;
}

/// What measuring leaves of each run's error, and of each difference's, which has both runs' measurements.
void add_repetition(const SharedQuestions& shared, Weights weights, Comparison& comparison) {
  const Metric& metric = *comparison.options.metric;
  std::vector<std::optional<std::vector<double>>> variances;
  for (size_t i = 0; i < comparison.runs.size(); ++i) {
    const std::vector<Repeats> items = repeats_of(shared, i);
    variances.push_back(measurement_variances(items));
    const auto error = (comparison.runs[i].means(weights).*metric.of_summary).stderr_;
    if (!variances.back() || !error) continue;
    Repetition& repetition = comparison.runs[i].repetition.emplace();
    int64_t measurements = 0;
    for (const Repeats& item : items) {
      repetition.repeated += item.n > 1 ? 1 : 0;
      measurements += item.n;
    }
    repetition.measurements = static_cast<double>(measurements) / static_cast<double>(items.size());
    repetition.parts = repetition_parts(*error, *variances.back(), shared.sizes, weights);
  }
  for (ComparedPair& pair : comparison.pairs) {
    const auto error = pair.comparison.difference.stderr_;
    if (!variances[pair.a] || !variances[pair.b] || !error) continue;
    std::vector<double> sums = *variances[pair.a];
    for (size_t i = 0; i < sums.size(); ++i) sums[i] += (*variances[pair.b])[i];
    pair.repetition = repetition_parts(*error, sums, shared.sizes, weights);
  }
}

std::vector<MovedQuestion> most_moved(const SharedQuestions& shared, size_t count) {
  std::vector<MovedQuestion> moved;
  for (const size_t i : largest_differences(shared.values[0], shared.values[1], count)) {
    if (shared.values[0][i] == shared.values[1][i]) break;
    const QuestionResult& question = *shared.questions[0][i];
    moved.push_back({question.topic, question.id, shared.values[0][i], shared.values[1][i]});
  }
  return moved;
}

Error nothing_shared(const SharedQuestions& shared) {
  if (shared.different > 0) {
    return {ErrorCode::kInput, "the runs share no question with the same answers", "",
            "were they made from the same dataset?"};
  }
  if (shared.undefined > 0) return {ErrorCode::kInput, "no shared question has a value in all runs", "", ""};
  return {ErrorCode::kInput, "the runs share no question", "", "were they made from the same dataset?"};
}

std::vector<ComparedMetric> compare_bits(std::span<const Run* const> runs, ComparisonOptions statistics) {
  std::vector<ComparedMetric> all;
  for (const Metric& metric : bits_metrics()) {
    const SharedQuestions shared = share_questions(runs, metric, UndefinedPolicy::kLeaveOut);
    if (shared.n() == 0) continue;
    set_metric(metric, shared.values, statistics);
    ComparedMetric& compared = all.emplace_back(ComparedMetric{&metric, static_cast<int64_t>(shared.n()), {}, {}});
    for (const auto& values : shared.values) {
      compared.runs.push_back(weighted_estimate(values, shared.sizes, statistics.weights));
    }
    for (PairOfRuns& pair : compare_many(shared.spans(), shared.sizes, statistics).pairs) {
      compared.pairs.push_back(std::move(pair.comparison));
    }
  }
  return all;
}

// When it was decided, where the runs were stopped for it; else when looking after every question would have.
Decision decision_of(std::span<const Run* const> runs, const SharedQuestions& shared, const CompareOptions& options) {
  const auto& early = runs[0]->early_stop;
  if (early && early->rule == "decided") {
    return {early->reached,
            static_cast<int64_t>(runs[0]->questions.size()),
            runs[0]->planned,
            {early->low.value_or(0), early->high.value_or(0)},
            early->seed};
  }
  const double width = options.metric->range->width();
  const auto differences = weighted_differences(shared.values[0], shared.values[1], shared.sizes, Weights::kQuestions);
  return decide(differences, shared.sizes, {-width, width}, options.statistics.seed);
}

void add_topics(const SharedQuestions& shared, const ComparisonOptions& options, std::vector<ComparedPair>& pairs) {
  ComparisonOptions statistics = options;
  if (pairs.size() > 1)
    statistics.draws = 0;  // Student's intervals: a bootstrap of every topic of every pair is too much
  statistics.threads = 1;
  in_chunks(pairs.size(), options.threads, [&](size_t begin, size_t end) {
    for (ComparedPair& pair : std::span(pairs).subspan(begin, end - begin)) {
      pair.topics = compare_topics(shared.values[pair.a], shared.values[pair.b], shared.sizes, statistics);
    }
  });
}

void add_clustered(const SharedQuestions& shared, const Clusters& clusters, const ComparisonOptions& statistics,
                   std::vector<ComparedPair>& pairs) {
  for (ComparedPair& pair : pairs) {
    std::vector<double> differences = shared.values[pair.a];
    for (size_t i = 0; i < differences.size(); ++i) differences[i] -= shared.values[pair.b][i];
    pair.clustered = clustered_estimate(differences, shared.sizes, statistics.weights, shared.questions[0], clusters,
                                        statistics.bootstrap());
    if (!interval_of(pair.comparison)) {
      Estimate& estimate = pair.clustered->mean.estimate;
      estimate.ci_low = estimate.ci_high = estimate.bootstrap_low = estimate.bootstrap_high = std::nullopt;
    }
  }
}

}  // namespace

bool Comparison::told_apart(const PairedComparison& pair) const { return hre::told_apart(pair, options.level); }

bool Comparison::not_settled(const PairedComparison& pair) const {
  return not_interchangeable(pair, options.level) && !told_apart(pair);
}

const ComparedPair& Comparison::pair_of(size_t a, size_t b) const {
  return pairs[a * (2 * runs.size() - a - 1) / 2 + (b - a - 1)];
}

std::vector<size_t> Comparison::by_rank() const {
  std::vector<size_t> order(runs.size());
  std::iota(order.begin(), order.end(), size_t{0});
  std::ranges::stable_sort(order, {}, [&](size_t i) { return runs[i].rank.rank; });
  return order;
}

std::string differences_line(const std::vector<RunDifference>& differences) {
  std::vector<std::string> parts;
  for (const RunDifference& difference : differences) {
    parts.push_back(difference.what + " (" + one_line(join(difference.values, " | ")) + ")");
  }
  return join(parts);
}

std::string differences_note(const std::vector<RunDifference>& differences) {
  return "The runs have different configurations: " + differences_line(differences) + ".";
}

Error differences_error(const std::vector<RunDifference>& differences) {
  return {ErrorCode::kInput, "the runs have different configurations: " + differences_line(differences),
          "‹allow_different›", "give it to use them anyway"};
}

Result<const Metric*> metric_for(std::span<const Run* const> runs, const Metric* chosen) {
  const auto is_log = [](const Run* run) { return !run->item_metric.empty(); };
  if (std::ranges::none_of(runs, is_log)) return chosen;
  if (!std::ranges::all_of(runs, is_log)) {
    return input_error("logs of other harnesses can be compared only with each other");
  }
  for (const Run* run : runs) {
    if (run->item_metric == runs.front()->item_metric) continue;
    return input_error("the logs have different values: " + runs.front()->item_metric + " and " + run->item_metric, "",
                       "FILE#NAME names the value");
  }
  return &item_metric();
}

Result<DescribedRuns> describe_runs(std::span<const Run* const> runs, const CompareOptions& options) {
  DescribedRuns described;
  described.differences = run_differences(runs);
  if (options.undefined) std::erase_if(described.differences, [](const auto& d) { return d.what == "undefined"; });
  if (!described.differences.empty() && !options.allow_different) {
    return tl::unexpected<Error>(differences_error(described.differences));
  }
  const bool any_zero =
      std::ranges::any_of(runs, [](const Run* run) { return run->options.undefined == UndefinedPolicy::kZero; });
  const bool disagree = std::ranges::any_of(described.differences, [](const auto& d) { return d.what == "undefined"; });
  described.undefined =
      options.undefined.value_or(any_zero && !disagree ? UndefinedPolicy::kZero : UndefinedPolicy::kLeaveOut);
  described.shared = share_questions(runs, *options.metric, described.undefined);
  if (described.shared.n() == 0) return tl::unexpected<Error>(nothing_shared(described.shared));
  for (size_t i = 0; i < runs.size(); ++i) {
    described.runs.push_back(describe(*runs[i], described.shared, i, described.undefined, options.statistics));
  }
  described.notes = notes_of(runs);
  if (!described.differences.empty()) described.notes.push_back(differences_note(described.differences));
  return described;
}

Result<Comparison> compare_runs(std::span<const Run> runs, const CompareOptions& options) {
  return compare_runs(pointers_to(runs), options);
}

Result<Comparison> compare_runs(std::span<const Run* const> runs, const CompareOptions& given) {
  auto metric = metric_for(runs, given.metric);
  if (!metric) return forward(metric);
  CompareOptions options = given;
  options.metric = *metric;
  if (runs.size() < 2) return input_error("a comparison needs two or more runs");
  if (options.until_decided && runs.size() != 2) return input_error("a decision needs exactly two runs", "‹until›");
  if (options.until_decided && options.statistics.weights != Weights::kQuestions) {
    return input_error("a decision is about the mean over questions, so topics can't have equal weight", "‹until›");
  }
  if (options.until_decided && !options.metric->range) return unbounded_error(*options.metric);
  auto described = describe_runs(runs, options);
  if (!described) return forward(described);
  const SharedQuestions& shared = described->shared;

  Comparison comparison;
  comparison.options = options;
  ComparisonOptions& statistics = comparison.options.statistics;
  set_metric(*options.metric, shared.values, statistics);
  comparison.options.clusters = nullptr;
  comparison.undefined_policy = described->undefined;
  comparison.differences = std::move(described->differences);
  comparison.notes = std::move(described->notes);
  comparison.topics = shared.topics;
  comparison.sizes = shared.sizes;
  comparison.shared = static_cast<int64_t>(shared.n());
  comparison.undefined = shared.undefined;
  comparison.different = shared.different;
  comparison.runs = std::move(described->runs);

  ManyComparison many = compare_many(shared.spans(), shared.sizes, statistics, options.level);
  for (PairOfRuns& pair : many.pairs) {
    comparison.pairs.push_back({pair.a, pair.b, std::move(pair.comparison), {}, {}, {}, {}});
    ComparedPair& compared = comparison.pairs.back();
    const PairedComparison& seen = compared.comparison;
    if (!seen.effect95) continue;
    const Interval of_better =
        *seen.effect_size > 0 ? *seen.effect95 : Interval{-seen.effect95->high, -seen.effect95->low};
    compared.detection =
        detection_curve(std::abs(*seen.effect_size), of_better, detection_counts(comparison.shared), options.level);
  }
  comparison.groups = std::move(many.groups);
  for (size_t i = 0; i < runs.size(); ++i) comparison.runs[i].rank = many.ranks[i];
  add_topics(shared, statistics, comparison.pairs);
  comparison.bits = compare_bits(runs, statistics);
  if (options.clusters) add_clustered(shared, *options.clusters, statistics, comparison.pairs);
  add_repetition(shared, statistics.weights, comparison);
  comparison.moved = most_moved(shared, options.moved);
  if (options.margin) {
    std::vector<GateDecision*> decisions;
    comparison.gates.reserve(runs.size());
    for (size_t i = 1; i < runs.size(); ++i) {
      comparison.gates.push_back(
          gate_decision(shared.values[0], shared.values[i], shared.sizes, *options.margin, statistics));
      comparison.gates.back().against = i;
      decisions.push_back(&comparison.gates.back());
    }
    decide_gates(decisions, options.level, [&](size_t i) {
      return gain_of(comparison.pair_of(0, i + 1).comparison, statistics.lower_is_better);
    });
  }
  if (options.until_decided) comparison.decision = decision_of(runs, shared, options);
  return comparison;
}

}  // namespace hre
