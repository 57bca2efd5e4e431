#include "service/job_request.h"

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>

#include "core/text.h"

namespace hre::service {
namespace {

using Json = nlohmann::ordered_json;

constexpr size_t kLongestOption = 4096;
constexpr size_t kMostTopics = 1000;
constexpr double kMostSeconds = 1e9;

Result<Json> parse_object(const std::string& body) {
  Json json = Json::parse(body, nullptr, false);
  if (json.is_discarded()) return input_error("the body is not JSON");
  if (!json.is_object()) return input_error("the body is no JSON object");
  return json;
}

/// A missing field and null are the same.
const Json* field(const Json& json, const char* name) {
  const auto found = json.find(name);
  return found == json.end() || found->is_null() ? nullptr : &*found;
}

Status take_text(const Json& json, const char* name, std::string& to) {
  const Json* const value = field(json, name);
  if (value == nullptr) return {};
  if (!value->is_string()) return input_error("must be a text", name);
  to = value->get<std::string>();
  if (to.size() > kLongestOption) return input_error("is longer than 4096 bytes", name);
  return {};
}

Status take_number(const Json& json, const char* name, double low, double high, std::optional<double>& to) {
  const Json* const value = field(json, name);
  if (value == nullptr) return {};
  const double number = value->is_number() ? value->get<double>() : std::nan("");
  if (!(number >= low && number <= high)) {
    return input_error("must be a number from " + format_number(low) + " to " + format_number(high), name);
  }
  to = number;
  return {};
}

Status take_limit(const Json& json, std::optional<int64_t>& to) {
  const Json* const value = field(json, "limit");
  if (value == nullptr) return {};
  constexpr int64_t kMost = int64_t{1} << 40;
  const bool is_whole = value->is_number_integer() && (!value->is_number_unsigned() || value->get<uint64_t>() <= kMost);
  const int64_t n = is_whole ? value->get<int64_t>() : 0;
  if (n < 1 || n > kMost) return input_error("must be a whole number of at least 1", "limit");
  to = n;
  return {};
}

Status take_topics(const Json& json, std::vector<std::string>& to) {
  const Json* const value = field(json, "topics");
  if (value == nullptr) return {};
  if (!value->is_array() || value->size() > kMostTopics) return input_error("must be a list of names", "topics");
  for (const Json& topic : *value) {
    if (!topic.is_string() || topic.get_ref<const std::string&>().size() > kLongestOption)
      return input_error("must be a list of names", "topics");
    to.push_back(topic.get<std::string>());
  }
  return {};
}

Result<JobRequest> request_of(const Json& json) {
  JobRequest request;
  for (const Status& ok : {take_text(json, "model", request.model), take_text(json, "training", request.training),
                           take_limit(json, request.limit), take_topics(json, request.topics),
                           take_number(json, "time_limit", 0.001, kMostSeconds, request.time_limit),
                           take_number(json, "step", 0, 1e15, request.step), take_text(json, "event", request.event)}) {
    if (!ok) return tl::unexpected<Error>(ok.error());
  }
  if (request.model.empty()) return input_error("is missing: name what is to be evaluated", "model");
  return request;
}

}  // namespace

Result<JobRequest> parse_job_request(const std::string& body) {
  auto json = parse_object(body);
  if (!json) return forward(json);
  static const std::vector<std::string> kFields = {"model", "training", "limit", "topics", "time_limit", "step"};
  for (const auto& [name, value] : json->items()) {
    if (std::ranges::find(kFields, name) != kFields.end()) continue;
    const auto nearest = nearest_name(name, kFields);
    return input_error("is no field of a job", name.substr(0, 100),
                       nearest ? "did you mean " + *nearest + "?" : "they are " + join(kFields));
  }
  return request_of(*json);
}

Result<JobRequest> parse_training_event(const std::string& body) {
  auto json = parse_object(body);
  if (!json) return forward(json);
  JobRequest request;
  for (const Status& ok :
       {take_text(*json, "event", request.event), take_number(*json, "step", 0, 1e15, request.step),
        take_text(*json, "checkpoint_dir", request.model), take_text(*json, "output_dir", request.training)}) {
    if (!ok) return tl::unexpected<Error>(ok.error());
  }
  if (request.event.empty()) return input_error("is missing: save, eval or train_end", "event");
  if (!request.step) return input_error("is missing: the training's step", "step");
  if (request.model.empty()) return input_error("is missing: the folder that is to be evaluated", "checkpoint_dir");
  return request;
}

std::string job_request_json(const JobRequest& request) {
  Json json = {{"model", request.model}};
  if (!request.training.empty()) json["training"] = request.training;
  if (request.limit) json["limit"] = *request.limit;
  if (!request.topics.empty()) json["topics"] = request.topics;
  if (request.time_limit) json["time_limit"] = *request.time_limit;
  if (request.step) json["step"] = *request.step;
  if (!request.event.empty()) json["event"] = request.event;
  return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

Result<JobRequest> read_job_request(const std::string& json) {
  auto object = parse_object(json);
  if (!object) return forward(object);
  return request_of(*object);
}

}  // namespace hre::service
