#include "stats/run_comparison.h"

#include <algorithm>
#include <utility>

namespace hre {
namespace {

ComparedRun describe(const Run& run, const SharedQuestions& shared, size_t position, const CompareOptions& options) {
  std::vector<QuestionResult> questions;
  for (const QuestionResult* question : shared.questions[position]) questions.push_back(*question);
  const ComparisonOptions& statistics = options.statistics;
  return {run.model.name,
          run.model.source,
          run.created,
          summarize(questions, {options.undefined, statistics.draws, statistics.seed, statistics.threads}),
          {},
          shared.only_here[position],
          shared.undefined_in[position]};
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
    return {ErrorCode::kInput, "the runs share no question whose answers are the same", "",
            "were they made from the same dataset?"};
  }
  if (shared.undefined > 0) return {ErrorCode::kInput, "no shared question has a value in all runs", "", ""};
  return {ErrorCode::kInput, "the runs share no question", "", "were they made from the same dataset?"};
}

}  // namespace

bool RunComparison::told_apart(const PairedComparison& pair) const {
  return pair.p_holm.value_or(pair.p.value_or(1)) < options.level;
}

Result<DescribedRuns> describe_runs(std::span<const Run> runs, const CompareOptions& options) {
  DescribedRuns described{share_questions(runs, *options.metric, options.undefined), {}};
  if (described.shared.n() == 0) return tl::unexpected<Error>(nothing_shared(described.shared));
  for (size_t i = 0; i < runs.size(); ++i) {
    described.runs.push_back(describe(runs[i], described.shared, i, options));
  }
  return described;
}

Result<RunComparison> compare_runs(std::span<const Run> runs, const CompareOptions& options) {
  if (runs.size() < 2) return input_error("a comparison is of two runs or more");
  auto described = describe_runs(runs, options);
  if (!described) return forward(described);
  const SharedQuestions& shared = described->shared;

  RunComparison comparison;
  comparison.options = options;
  comparison.differences = run_differences(runs);
  comparison.topics = shared.topics;
  comparison.sizes = shared.sizes;
  comparison.shared = static_cast<int64_t>(shared.n());
  comparison.undefined = shared.undefined;
  comparison.different = shared.different;
  comparison.runs = std::move(described->runs);

  ManyComparison many = compare_many(shared.spans(), shared.sizes, options.statistics, options.level);
  comparison.pairs = std::move(many.pairs);
  comparison.groups = std::move(many.groups);
  for (size_t i = 0; i < runs.size(); ++i) comparison.runs[i].rank = many.ranks[i];
  if (runs.size() == 2) {
    comparison.by_topic = compare_topics(shared.values[0], shared.values[1], shared.sizes, options.statistics);
  }
  comparison.moved = most_moved(shared, options.moved);
  return comparison;
}

}  // namespace hre
