#include "analysis/gate.h"

#include <algorithm>

#include "analysis/scores.h"
#include "core/text.h"

namespace hre {
namespace {

/// The questions of one check, as spans into what the runs share.
struct Slice {
  std::string topic;
  size_t begin = 0, size = 0;
  std::span<const size_t> sizes;
};

std::vector<Slice> slices_of(const GateRule& rule, const SharedQuestions& shared) {
  if (rule.topics.empty()) return {{"", 0, shared.n(), shared.sizes}};
  std::vector<Slice> slices;
  size_t begin = 0;
  for (size_t i = 0; i < shared.topics.size(); ++i) {
    if (matches_glob(rule.topics, shared.topics[i])) {
      slices.push_back({shared.topics[i], begin, shared.sizes[i], std::span(shared.sizes).subspan(i, 1)});
    }
    begin += shared.sizes[i];
  }
  return slices;
}

/// How many questions of a topic (empty: of all) the run's dataset has.
std::optional<int64_t> questions_of_dataset(const Run& run, const std::string& topic) {
  if (topic.empty()) return run.dataset_questions;
  if (static_cast<int64_t>(run.questions.size()) < run.dataset_questions) return std::nullopt;
  return std::ranges::count(run.questions, topic, &QuestionResult::topic);
}

std::optional<double> chance_of_slice(const ComparedRun& run, const Slice& slice, const GateRule& rule) {
  if (slice.topic.empty()) return (run.means(rule.weights).*rule.metric->of_summary).chance;
  const auto topic = std::ranges::find(run.summary.topics, slice.topic, &TopicSummary::topic);
  return topic == run.summary.topics.end() ? std::nullopt : (topic->metrics.*rule.metric->of_summary).chance;
}

std::vector<MovedQuestion> fallen(const SharedQuestions& shared, const Metric& metric, size_t count) {
  std::vector<MovedQuestion> fell;
  for (const size_t i : largest_differences(shared.values[0], shared.values[1], shared.n())) {
    const double difference = shared.values[0][i] - shared.values[1][i];
    const bool worse = metric.lower_is_better ? difference > 0 : difference < 0;
    if (!worse || fell.size() == count) continue;
    const QuestionResult& question = *shared.questions[0][i];
    fell.push_back({question.topic, question.id, shared.values[0][i], shared.values[1][i]});
  }
  return fell;
}

GateVerdict overall(const std::vector<GateCheck>& checks) {
  const auto any = [&](GateVerdict verdict) {
    return std::ranges::any_of(checks, [&](const GateCheck& check) { return check.decision.verdict == verdict; });
  };
  if (any(GateVerdict::kFail)) return GateVerdict::kFail;
  return any(GateVerdict::kInconclusive) || checks.empty() ? GateVerdict::kInconclusive : GateVerdict::kPass;
}

/// The verdict of the looks, where they reached one; the questions are then too few for any other interval or test.
void take_looks(const EarlyStop& stop, GateCheck& check) {
  if (!stop.reached) return;
  GateDecision& decision = check.decision;
  decision.verdict = stop.low.value_or(0) > -decision.margin ? GateVerdict::kPass : GateVerdict::kFail;
  decision.p = decision.p_holm = check.comparison.p = std::nullopt;
  check.comparison.bootstrap = Interval{stop.low.value_or(0), stop.high.value_or(0)};
}

}  // namespace

Result<GateReport> run_gate(Run run, Run baseline, const GatePolicy& policy) {
  if (!run.id.empty() && run.id == baseline.id) {
    return input_error("the run is its own baseline", run.name,
                       "last~1:GLOB is the one before the last of such a name");
  }
  GateReport report;
  report.policy = policy;
  report.run = run.model.name;
  report.baseline = baseline.model.name;
  report.dataset_questions = run.dataset_questions;
  report.reference = run.reference ? run.reference->name : "";
  const ScoreKind own[] = {run.score, baseline.score};
  for (size_t i = 0; i < policy.rules.size(); ++i) {
    GateRule& rule = report.policy.rules[i];
    const Run* const both[] = {&run, &baseline};
    auto metric = metric_for(both, rule.metric);
    if (!metric) return forward(metric);
    rule.metric = *metric;
    if (auto ok = choose_score(rule.score.value_or(own[0]), run); !ok) return forward(ok);
    if (auto ok = choose_score(rule.score.value_or(own[1]), baseline); !ok) return forward(ok);
    CompareOptions options;
    options.metric = rule.metric;
    options.undefined = policy.undefined;
    options.allow_different = policy.allow_different;
    options.statistics = policy.statistics;
    options.statistics.draws = 0;  // the checks below have intervals of their own
    const auto described = describe_runs(both, options);
    if (!described) return tl::unexpected<Error>(described.error());
    const SharedQuestions& shared = described->shared;
    if (i == 0) {
      report.differences = described->differences;
      report.notes = described->notes;
      report.undefined = described->undefined;
      report.fell = fallen(shared, *rule.metric, policy.moved);
    }
    ComparisonOptions statistics = policy.statistics;
    statistics.weights = rule.weights;
    set_metric(*rule.metric, shared.values, statistics);
    const std::vector<Slice> slices = slices_of(rule, shared);
    if (slices.empty()) {
      return input_error("no topic matches '" + rule.topics + "'", "‹topics›", "there are " + join(shared.topics));
    }
    for (const Slice& slice : slices) {
      const auto a = std::span(shared.values[0]).subspan(slice.begin, slice.size);
      const auto b = std::span(shared.values[1]).subspan(slice.begin, slice.size);
      GateCheck& check = report.checks.emplace_back();
      check.rule = i;
      check.topic = slice.topic;
      check.questions = static_cast<int64_t>(slice.size);
      check.dataset_questions = questions_of_dataset(run, slice.topic);
      check.run_score = described->runs[0].score;
      check.baseline_score = described->runs[1].score;
      check.comparison = compare_paired(a, b, slice.sizes, statistics);
      check.run = check.comparison.mean_a;
      check.baseline = check.comparison.mean_b;
      check.chance = chance_of_slice(described->runs.front(), slice, rule);
      check.decision = gate_decision(a, b, slice.sizes, rule.margin, statistics);
    }
  }
  std::vector<GateDecision*> decisions;
  for (GateCheck& check : report.checks) decisions.push_back(&check.decision);
  decide_gates(decisions, policy.looked ? policy.level / 2 : policy.level, [&](size_t i) {
    const GateCheck& check = report.checks[i];
    return gain_of(check.comparison, report.policy.rules[check.rule].metric->lower_is_better);
  });
  if (policy.looked && run.early_stop) take_looks(*run.early_stop, report.checks.front());
  report.verdict = overall(report.checks);
  return report;
}

}  // namespace hre
