#pragma once
/// What questions have in common: a topic, a site, the author of their answers, who asked them.

#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "hre/run.h"
#include "stats/cluster.h"

namespace hre {

enum class ClusterKind { kTopic, kSite, kAuthor, kAsker };

/// "other topics": what the intervals are about that such clusters give.
const char* cluster_generalisation(ClusterKind kind);

struct Clusters {
  ClusterKind kind = ClusterKind::kTopic;
  /// By topic and id, the names of a question's clusters. Not needed for topics. A question that isn't here is a
  /// cluster of its own.
  std::map<std::pair<std::string, std::string>, std::vector<std::string>> of;
};

struct ClusteredEstimate {
  ClusterKind kind = ClusterKind::kTopic;
  ClusteredMean mean;
};

/// Of a run's value, the mean of Pearson's r over its questions and over its topics.
struct ClusteredValue {
  ClusteredEstimate micro, macro;
};

/// The weighted mean of questions' values, topic after topic, with an error that allows for what they have in common.
ClusteredEstimate clustered_estimate(std::span<const double> values, std::span<const size_t> sizes, Weights weights,
                                     std::span<const QuestionResult* const> questions, const Clusters& clusters,
                                     const BootstrapOptions& options);

ClusteredValue clustered_value(const Run& run, const Clusters& clusters);

}  // namespace hre
