#include "analysis/dataset_difference.h"

#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "analysis/comparison.h"
#include "analysis/shared_questions.h"
#include "hre/summary.h"
#include "stats/estimate.h"

namespace hre {

Result<DatasetDifference> dataset_difference(const Run& newer, const Run& older) {
  if (newer.dataset_fingerprint == older.dataset_fingerprint) {
    return input_error("both runs are of the same dataset", newer.dataset_name, "give a run of an older dataset");
  }
  const Run* const both[] = {&newer, &older};
  if (newer.model.fingerprint != older.model.fingerprint) {
    return input_error("the runs are of two models, " + newer.model.name + " and " + older.model.name, "‹older›",
                       "a difference between datasets is that of one model");
  }
  std::vector<RunDifference> differences = run_differences(both);
  std::erase_if(differences, [](const RunDifference& d) { return d.what == "dataset" || d.what == "model"; });
  if (!differences.empty()) return tl::unexpected<Error>(differences_error(differences));
  DatasetDifference result{newer.dataset_name, older.dataset_name, {}, 0, {}};
  const auto topics_of = [](const Run& run) {
    std::map<std::string, Estimate> topics;
    for (const TopicSummary& topic : summarize(run.questions, {run.options.undefined, 0}).topics) {
      topics[topic.topic] = topic.metrics.pearson;
    }
    return topics;
  };
  const std::map<std::string, Estimate> newer_topics = topics_of(newer), older_topics = topics_of(older);
  std::vector<Estimate> all_newer, all_older;
  std::set<std::string> names;
  for (const auto* topics : {&newer_topics, &older_topics}) {
    for (const auto& [name, value] : *topics) names.insert(name);
  }
  for (const auto& [name, value] : newer_topics) {
    const auto found = older_topics.find(name);
    if (found == older_topics.end() || !value.stderr_ || !found->second.stderr_) continue;  // of two questions or more
    result.topics.push_back({name, value, found->second, difference_of_means({&value, 1}, {&found->second, 1})});
    all_newer.push_back(value);
    all_older.push_back(found->second);
  }
  if (result.topics.empty()) {
    return input_error("no topic has two questions or more in both datasets", older.dataset_name);
  }
  result.other_topics = static_cast<int64_t>(names.size() - result.topics.size());
  result.mean = difference_of_means(all_newer, all_older);
  return result;
}

}  // namespace hre
