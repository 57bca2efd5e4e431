#include "report/model_card.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "analysis/metric.h"
#include "analysis/notes.h"

namespace hre {
namespace {

/// A JSON string is a YAML string.
std::string yaml_string(const std::string& text) {
  return nlohmann::json(text).dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

/// Shortest form that reads back equal; with a point, which YAML's floats must have.
std::string number(double value) { return nlohmann::json(value).dump(); }

/// The hub's names of metrics, for those that it has.
std::string metric_type(const Metric& metric) {
  const std::string name = metric.name;
  if (name == "pearson") return "pearsonr";
  if (name == "spearman") return "spearmanr";
  return name;
}

/// One part of the dataset under which values stand.
struct Part {
  std::string id, title;
  const MetricSummary& metrics;
  int64_t questions;
};

std::vector<Part> parts_of(const Summary& summary) {
  std::vector<Part> parts = {{"micro_average", "HumanRankEval, micro average", summary.micro, summary.questions}};
  for (const TopicSummary& topic : summary.topics) {
    parts.push_back({topic.topic, "HumanRankEval, " + topic.topic, topic.metrics, topic.questions});
  }
  return parts;
}

std::string model_index_result(const Run& run, const Part& part, const std::string& dataset_id) {
  std::string metrics;
  for (const Metric& metric : all_metrics()) {
    const Estimate& estimate = part.metrics.*metric.of_summary;
    if (!metric.of_model || !estimate.mean) continue;
    const std::string chance =
        estimate.chance.value_or(0) == 0 ? "" : fmt::format(" (a random order gets {:.4f})", *estimate.chance);
    metrics += fmt::format("    - type: {}\n      value: {}\n      name: {}\n", yaml_string(metric_type(metric)),
                           number(*estimate.mean), yaml_string(metric.title + chance));
  }
  if (metrics.empty()) return "";
  return fmt::format(
      "  - task:\n      type: text-generation\n      name: {}\n"
      "    dataset:\n      type: {}\n      name: {}\n      config: {}\n      args:\n"
      "        questions: {}\n        fingerprint: {}\n        prompt: {}\n"
      "    metrics:\n{}",
      yaml_string("Ranking people's answers"), yaml_string(dataset_id),
      yaml_string(part.title +
                  (invented_votes_note(run.dataset_source, run.dataset_fingerprint) ? " (invented votes)" : "")),
      yaml_string(part.id), part.questions, yaml_string(run.dataset_fingerprint), yaml_string(run.options.prompt),
      metrics);
}

}  // namespace

std::string model_index_yaml(const Run& run, const Summary& summary, const std::string& dataset_id) {
  std::string text = fmt::format("---\nmodel-index:\n- name: {}\n  results:\n", yaml_string(run.model.name));
  for (const Part& part : parts_of(summary)) text += model_index_result(run, part, dataset_id);
  return text + "---\n";
}

std::string eval_results_yaml(const Run& run, const Summary& summary, const std::string& dataset_id) {
  std::string text;
  for (const Part& part : parts_of(summary)) {
    const Estimate& pearson = part.metrics.pearson;
    if (!pearson.mean) continue;
    const std::string spread = pearson.stderr_ ? fmt::format(" ± {:.4f}", *pearson.stderr_) : "";
    const std::string notes =
        fmt::format("Pearson's r of votes and log-likelihoods{}, {} questions, by hre", spread, pearson.n) +
        (invented_votes_note(run.dataset_source, run.dataset_fingerprint) ? "; the votes are invented" : "");
    text += fmt::format("- dataset:\n    id: {}\n    task_id: {}\n  value: {}\n  date: {}\n  notes: {}\n",
                        yaml_string(dataset_id), yaml_string(part.id), number(*pearson.mean), yaml_string(run.created),
                        yaml_string(notes));
  }
  return text;
}

}  // namespace hre
