#pragma once
/// What clients ask a service for, as JSON: a job, or an event of a training in the form in which axolotl calls its
/// runner of benchmarks.

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "hre/result.h"

namespace hre::service {

/// A job's own options; the rest is the service's.
struct JobRequest {
  std::string model;     ///< a path, or a MODEL that the service names
  std::string training;  ///< the folder of the training's checkpoints; empty: the model's own
  std::optional<int64_t> limit;
  std::vector<std::string> topics;
  std::optional<double> time_limit;  ///< seconds
  std::optional<double> step;        ///< of the training
  std::string event;                 ///< of the training: "save", "eval", "train_end"
};

/// {"model", "limit", "topics", "time_limit", "step", "training"}: all but the model may be missing, and nothing else
/// may be there. Input errors say which field is wrong.
Result<JobRequest> parse_job_request(const std::string& body);

/// {"event", "step", "checkpoint_dir", "output_dir"}; other fields are ignored, because later versions may add some.
Result<JobRequest> parse_training_event(const std::string& body);

/// As the queue keeps it.
std::string job_request_json(const JobRequest& request);
/// What job_request_json wrote. Input errors for anything else.
Result<JobRequest> read_job_request(const std::string& json);

}  // namespace hre::service
