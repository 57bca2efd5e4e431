#pragma once
/// Runs as metadata of a model on the Hugging Face hub.

#include <string>

#include "hre/summary.h"

namespace hre {

/// YAML for the head of a model's README.md, between lines of ---: `model-index` with the micro average and every
/// topic. `dataset_id` is the dataset's on the hub.
std::string model_index_yaml(const Run& run, const Summary& summary, const std::string& dataset_id);

/// YAML for a file in a model's .eval_results/: an entry for the micro average and every topic. Values without a
/// correlation are left out.
std::string eval_results_yaml(const Run& run, const Summary& summary, const std::string& dataset_id);

}  // namespace hre
