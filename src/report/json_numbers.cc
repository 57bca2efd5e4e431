#include "report/json_numbers.h"

#include <cmath>

#include "stats/metric.h"

namespace hre {

Json json_number(double value) { return std::isfinite(value) ? Json(value) : Json(nullptr); }
Json json_number(const std::optional<double>& value) { return value ? json_number(*value) : Json(nullptr); }

Json json_interval(const std::optional<Interval>& interval) {
  if (!interval) return nullptr;
  return Json::array({json_number(interval->low), json_number(interval->high)});
}

Json json_estimate(const Estimate& estimate) {
  Json json = {{"n", estimate.n},
               {"undefined", estimate.undefined},
               {"mean", json_number(estimate.mean)},
               {"stderr", json_number(estimate.stderr_)},
               {"ci95", {json_number(estimate.ci_low), json_number(estimate.ci_high)}}};
  if (estimate.bootstrap_low && estimate.bootstrap_high)
    json["bootstrap95"] = {json_number(estimate.bootstrap_low), json_number(estimate.bootstrap_high)};
  return json;
}

void add_metrics(Json& json, const MetricSummary& metrics) {
  for (const Metric& metric : all_metrics()) json[metric.name] = json_estimate(metrics.*metric.of_summary);
}

Json json_length_share(const std::optional<LengthShare>& share) {
  if (!share) return nullptr;
  return {{"share", json_number(share->share)}, {"ci95", {json_number(share->low), json_number(share->high)}}};
}

const char* undefined_name(UndefinedPolicy policy) { return policy == UndefinedPolicy::kZero ? "zero" : "left out"; }

const char* weights_name(Weights weights) { return weights == Weights::kTopics ? "topics" : "questions"; }

std::string json_text(const Json& json) { return json.dump(2, ' ', false, Json::error_handler_t::replace) + "\n"; }

}  // namespace hre
