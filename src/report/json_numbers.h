#pragma once
/// Numbers of results as JSON, for the formats that hold them: undefined and infinite ones are null.

#include <nlohmann/json.hpp>
#include <optional>
#include <string>

#include "analysis/clusters.h"
#include "hre/summary.h"
#include "stats/confound.h"
#include "stats/grouped.h"

namespace hre {

using Json = nlohmann::ordered_json;

Json json_number(double value);
Json json_number(const std::optional<double>& value);
/// Null where it is empty.
Json json_text_or_null(const std::string& text);
/// [low, high], or null.
Json json_interval(const std::optional<Interval>& interval);
/// {"n", "undefined", "mean", "stderr", "ci95"}, and "bootstrap95" where there is one.
Json json_estimate(const Estimate& estimate);
/// Every metric by its name, as estimates; of logs of other harnesses, "item" alone.
void add_metrics(Json& json, const MetricSummary& metrics);
/// "micro" and "macro": the metrics' means and the parts by length.
void add_means(Json& json, const Summary& summary);
/// {"share", "ci95"} or null.
Json json_length_share(const LengthParts& parts);
/// {"value", "through", "beyond"}: estimates over the same questions.
Json json_length_parts(const LengthParts& parts);
/// {"per-char": {"pearson", "pairwise_accuracy", "length"}, ...}
Json json_scores(const std::vector<ScoreSummary>& scores);
/// The same of any covariate.
Json json_parts(const ValueParts& parts);
/// {"by", "clusters", "effective", "stderr", "ci95", "bootstrap95"} or null.
Json json_clustered(const std::optional<ClusteredEstimate>& clustered);
/// "left out" or "zero".
const char* undefined_name(UndefinedPolicy policy);
/// The text of a file: indented, in UTF-8 whatever the strings hold.
std::string json_text(const Json& json);

}  // namespace hre
