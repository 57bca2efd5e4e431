#include "analysis/dataset_difference.h"

#include <map>

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
  std::map<std::string, Estimate> of_older;
  for (const TopicSummary& topic : summarize(older.questions, {older.options.undefined, 0}).topics) {
    of_older[topic.topic] = topic.metrics.pearson;
  }
  DatasetDifference result{newer.dataset_name, older.dataset_name, {}, {}};
  std::vector<Estimate> all_newer, all_older;
  for (const TopicSummary& topic : summarize(newer.questions, {newer.options.undefined, 0}).topics) {
    const auto found = of_older.find(topic.topic);
    const Estimate& value = topic.metrics.pearson;
    if (found == of_older.end() || !value.stderr_ || !found->second.stderr_) continue;  // of two questions or more
    result.topics.push_back({topic.topic, value, found->second, difference_of_means({&value, 1}, {&found->second, 1})});
    all_newer.push_back(value);
    all_older.push_back(found->second);
  }
  if (result.topics.empty())
    return input_error("the datasets have no topic with two questions in common", older.dataset_name);
  result.mean = difference_of_means(all_newer, all_older);
  return result;
}

}  // namespace hre
