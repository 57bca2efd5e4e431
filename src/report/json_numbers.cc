#include "report/json_numbers.h"

#include <cmath>

#include "analysis/metric.h"
#include "analysis/option_names.h"
#include "analysis/scores.h"

namespace hre {

Json json_number(double value) { return std::isfinite(value) ? Json(value) : Json(nullptr); }
Json json_number(const std::optional<double>& value) { return value ? json_number(*value) : Json(nullptr); }

Json json_text_or_null(const std::string& text) { return text.empty() ? Json(nullptr) : Json(text); }

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
  if (estimate.chance) json["chance"] = json_number(estimate.chance);
  if (estimate.bootstrap_low && estimate.bootstrap_high)
    json["bootstrap95"] = {json_number(estimate.bootstrap_low), json_number(estimate.bootstrap_high)};
  return json;
}

void add_metrics(Json& json, const MetricSummary& metrics) {
  if (metrics.item.n > 0) {
    json["item"] = json_estimate(metrics.item);
    return;
  }
  for (const Metric* metric : metrics_of(metrics)) json[metric->name] = json_estimate(metrics.*metric->of_summary);
}

Json json_length_share(const LengthParts& parts) {
  if (!parts.share) return nullptr;
  return {{"share", json_number(parts.share)}, {"ci95", {json_number(parts.share_low), json_number(parts.share_high)}}};
}

Json json_length_parts(const LengthParts& parts) {
  return {{"value", json_estimate(parts.value)},
          {"through", json_estimate(parts.through)},
          {"beyond", json_estimate(parts.beyond)}};
}

void add_means(Json& json, const Summary& summary) {
  Json& micro = json["micro"] = Json::object();
  add_metrics(micro, summary.micro);
  micro["length"] = json_length_parts(summary.micro_length);
  Json& macro = json["macro"] = Json::object();
  add_metrics(macro, summary.macro);
  macro["length"] = json_length_parts(summary.macro_length);
}

Json json_scores(const std::vector<ScoreSummary>& scores) {
  Json json = Json::object();
  for (const ScoreSummary& score : scores) {
    json[name_of(kScoreKinds, score.score)] = {{"pearson", json_estimate(score.pearson)},
                                               {"pairwise_accuracy", json_estimate(score.pairwise_accuracy)},
                                               {"length", json_length_parts(score.length)}};
  }
  return json;
}

Json json_parts(const ValueParts& parts) {
  return {{"value", json_estimate(parts.value)},
          {"through", json_estimate(parts.through)},
          {"beyond", json_estimate(parts.beyond)}};
}

Json json_clustered(const std::optional<ClusteredEstimate>& clustered) {
  if (!clustered) return nullptr;
  const Estimate& e = clustered->mean.estimate;
  const auto bootstrap = e.bootstrap_low ? std::optional(Interval{*e.bootstrap_low, *e.bootstrap_high}) : std::nullopt;
  return {{"by", name_of(kClusterKinds, clustered->kind)},           {"clusters", clustered->mean.clusters},
          {"effective", json_number(clustered->mean.effective)},     {"stderr", json_number(e.stderr_)},
          {"ci95", {json_number(e.ci_low), json_number(e.ci_high)}}, {"bootstrap95", json_interval(bootstrap)}};
}

const char* undefined_name(UndefinedPolicy policy) { return policy == UndefinedPolicy::kZero ? "zero" : "left out"; }

std::string json_text(const Json& json) { return json.dump(2, ' ', false, Json::error_handler_t::replace) + "\n"; }

}  // namespace hre
