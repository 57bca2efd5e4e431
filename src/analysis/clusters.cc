#include "analysis/clusters.h"

namespace hre {

const char* cluster_name(ClusterKind kind) {
  switch (kind) {
    case ClusterKind::kTopic:
      return "topic";
    case ClusterKind::kSite:
      return "site";
    case ClusterKind::kAuthor:
      return "author";
    case ClusterKind::kAsker:
      break;
  }
  return "asker";
}

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

ClusteredEstimate clustered_estimate(std::span<const double> values, std::span<const QuestionResult* const> questions,
                                     const Clusters& clusters, const BootstrapOptions& options) {
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
  return {clusters.kind, clustered_mean(values, labels, options)};
}

}  // namespace hre
