#pragma once
/// The names of the statistics' options: on the command line, in files, in Python, and in results.

#include "analysis/clusters.h"
#include "core/named.h"
#include "hre/run.h"
#include "stats/grouped.h"

namespace hre {

inline constexpr Named<Weights> kWeights[] = {{"questions", Weights::kQuestions}, {"topics", Weights::kTopics}};

/// An evaluation may also fail because of such questions; a comparison of finished runs may not.
inline constexpr Named<UndefinedPolicy> kUndefinedPolicies[] = {{"leave-out", UndefinedPolicy::kLeaveOut},
                                                                {"zero", UndefinedPolicy::kZero}};
inline constexpr Named<UndefinedPolicy> kUndefinedOrFail[] = {
    {"leave-out", UndefinedPolicy::kLeaveOut}, {"zero", UndefinedPolicy::kZero}, {"fail", UndefinedPolicy::kFail}};

inline constexpr Named<ClusterKind> kClusterKinds[] = {{"topic", ClusterKind::kTopic},
                                                       {"site", ClusterKind::kSite},
                                                       {"author", ClusterKind::kAuthor},
                                                       {"asker", ClusterKind::kAsker}};

}  // namespace hre
