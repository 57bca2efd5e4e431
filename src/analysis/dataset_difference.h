#pragma once
/// A model's value on one dataset against its value on another: on newer questions, which it can't have been trained
/// on, against older ones.

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "hre/estimate.h"
#include "hre/run.h"

namespace hre {

struct TopicDifference {
  std::string topic;
  Estimate newer, older;  ///< mean Pearson's r
  Estimate difference;    ///< newer - older; n is that of both
};

struct DatasetDifference {
  std::string newer, older;             ///< names of the datasets
  std::vector<TopicDifference> topics;  ///< those with two questions or more in both runs
  int64_t other_topics = 0;             ///< of one run, or with fewer questions
  Estimate mean;                        ///< of the topics' differences, each with the same weight
};

/// The questions are taken to be different (ids of datasets without their own are positions, which tell nothing), so
/// the samples are independent: intervals by Welch. Input errors for runs of one dataset, of different models or
/// configurations (the model's name may differ), and without a common topic.
Result<DatasetDifference> dataset_difference(const Run& newer, const Run& older);

}  // namespace hre
