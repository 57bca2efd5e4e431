#include "analysis/clusters.h"

#include "analysis/metric.h"

namespace hre {

const char* cluster_generalisation(ClusterKind kind) {
  switch (kind) {
    case ClusterKind::kTopic:
      return "other topics";
    case ClusterKind::kSite:
      return "other sites";
    case ClusterKind::kAuthor:
      return "other authors of answers";
    case ClusterKind::kAsker:
      break;
  }
  return "other people who ask";
}

ClusteredEstimate clustered_estimate(std::span<const double> values, std::span<const size_t> sizes, Weights weights,
                                     std::span<const QuestionResult* const> questions, const Clusters& clusters,
                                     const BootstrapOptions& options) {
  std::map<std::string, size_t> numbers;
  ClusterLabels labels;
  size_t next = 0;
  const auto number_of = [&](const std::string& name) {
    const auto [at, is_new] = numbers.try_emplace(name, next);
    next += is_new ? 1 : 0;
    return at->second;
  };
  for (const QuestionResult* question : questions) {
    if (clusters.kind == ClusterKind::kTopic) {
      labels.push_back({number_of(question->topic)});
      continue;
    }
    const auto found = clusters.of.find({question->topic, question->id});
    if (found == clusters.of.end() || found->second.empty()) {
      labels.push_back({next++});
      continue;
    }
    std::vector<size_t> own;
    for (const std::string& name : found->second) own.push_back(number_of(name));
    labels.push_back(std::move(own));
  }
  return {clusters.kind, clustered_mean(values, question_weights(sizes, weights), labels, options)};
}

ClusteredValue clustered_value(const Run& run, const Clusters& clusters) {
  const Metric& metric = metrics_of(run).front();
  std::map<std::string, std::vector<const QuestionResult*>> topics;
  for (const QuestionResult& question : run.questions) topics[question.topic].push_back(&question);
  std::vector<double> values;
  std::vector<const QuestionResult*> questions;
  std::vector<size_t> sizes;
  for (const auto& [topic, members] : topics) {
    const size_t before = values.size();
    const std::optional<double> chance = chance_level(members, metric);
    for (const QuestionResult* question : members) {
      const auto value = value_under(run.options.undefined, *question, metric, chance);
      if (!value) continue;
      values.push_back(*value);
      questions.push_back(question);
    }
    sizes.push_back(values.size() - before);
  }
  const auto by = [&](Weights weights) {
    return clustered_estimate(values, sizes, weights, questions, clusters, {.weights = weights});
  };
  return {by(Weights::kQuestions), by(Weights::kTopics)};
}

}  // namespace hre
