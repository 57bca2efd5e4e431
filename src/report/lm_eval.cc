#include "report/lm_eval.h"

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>

#include "analysis/metric.h"
#include "analysis/notes.h"
#include "core/hashing.h"
#include "core/question_name.h"
#include "core/text.h"

namespace hre {
namespace {

using Json = nlohmann::ordered_json;

constexpr char kGroup[] = "human_rank_eval";

std::string task_name(const std::string& topic) { return std::string(kGroup) + "_" + topic; }

/// The harness's tables take numbers, and this for what has none.
Json number(const std::optional<double>& value) { return value && std::isfinite(*value) ? Json(*value) : Json("N/A"); }

std::string dump(const Json& json, int indent) {
  return json.dump(indent, ' ', false, Json::error_handler_t::replace) + "\n";
}

/// "2026-01-31T12:00:00Z" as the harness has it in names of files.
std::string date_id(const Run& run) {
  std::string date = run.created.substr(0, run.created.find('Z'));
  std::replace(date.begin(), date.end(), ':', '-');
  return date + ".000000";
}

/// Topics and times come from files of others, and must not lead elsewhere.
std::string file_name(std::string name) {
  std::replace(name.begin(), name.end(), '/', '_');
  return name;
}

Json metrics_of(const std::string& name, const MetricSummary& summary) {
  Json json = {{"alias", name}};
  for (const Metric& metric : all_metrics()) {
    if (!metric.of_model) continue;
    const Estimate& estimate = summary.*metric.of_summary;
    json[std::string(metric.name) + ",none"] = number(estimate.mean);
    json[std::string(metric.name) + "_stderr,none"] = number(estimate.stderr_);
    if (metric.chance_of_question || metric.chance.value_or(0) != 0)
      json[std::string(metric.name) + "_chance,none"] = number(estimate.chance);
  }
  return json;
}

Json higher_is_better() {
  Json json = Json::object();
  for (const Metric& metric : all_metrics()) {
    if (metric.of_model) json[metric.name] = !metric.lower_is_better;
  }
  return json;
}

Json config_of_task(const Run& run, const std::string& task) {
  Json metrics = Json::array();
  for (const Metric& metric : all_metrics()) {
    if (metric.of_model)
      metrics.push_back(
          {{"metric", metric.name}, {"aggregation", "mean"}, {"higher_is_better", !metric.lower_is_better}});
  }
  return {{"task", task},
          {"dataset_path", run.dataset_source},
          {"doc_to_text", run.options.prompt},
          {"output_type", "loglikelihood"},
          {"num_fewshot", 0},
          {"metric_list", std::move(metrics)},
          {"metadata", {{"version", 1}, {"dataset_fingerprint", run.dataset_fingerprint}}}};
}

Json config_of_run(const Run& run, const Summary& summary) {
  Json json = {{"model", "hre"},
               {"model_args", run.model.source},
               {"model_num_parameters", run.model.parameters},
               {"model_dtype", run.model.file_type},
               {"model_sha", run.model.fingerprint},
               {"limit", run.options.limit ? Json(*run.options.limit) : Json(nullptr)}};
  for (const auto& [name, value] : run.model.settings) json[name] = value;
  json["notes"] = run_notes(run, summary.questions);
  return json;
}

Json results_json(const Run& run, const Summary& summary) {
  Json results = Json::object(), configs = Json::object(), versions = Json::object(), shots = Json::object();
  Json better = Json::object(), samples = Json::object(), tasks = Json::array();
  results[kGroup] = metrics_of(kGroup, summary.micro);
  versions[kGroup] = 1;
  shots[kGroup] = 0;
  better[kGroup] = higher_is_better();
  for (const TopicSummary& topic : summary.topics) {
    const std::string task = task_name(topic.topic);
    tasks.push_back(task);
    results[task] = metrics_of(task, topic.metrics);
    configs[task] = config_of_task(run, task);
    versions[task] = 1;
    shots[task] = 0;
    better[task] = higher_is_better();
    samples[task] = {{"original", topic.questions}, {"effective", topic.questions}};
  }
  return {{"results", results},
          {"groups", {{kGroup, results[kGroup]}}},
          {"group_subtasks", {{kGroup, std::move(tasks)}}},
          {"configs", std::move(configs)},
          {"versions", std::move(versions)},
          {"n-shot", std::move(shots)},
          {"higher_is_better", std::move(better)},
          {"n-samples", std::move(samples)},
          {"config", config_of_run(run, summary)},
          {"date", run.created},
          {"model_source", "hre"},
          {"model_name", run.model.name},
          {"model_name_sanitized", lm_eval_folder(run)},
          {"total_evaluation_time_seconds", std::to_string(run.times.plan_seconds + run.times.score_seconds)}};
}

std::string hash_of(const std::string& text) {
  ContentHash hash;
  hash.add_bytes(text);
  return hash.value();
}

/// `number` counts a task's questions. Whether an answer is what the model would have said itself is not known: False.
Json sample_json(const QuestionResult& question, int64_t number, const ScoringRequest* text) {
  Json doc = {{"id", question.id}, {"topic", question.topic}};
  Json arguments = Json::object(), resps = Json::array(), filtered = Json::array();
  std::vector<std::string> votes;
  if (text != nullptr) doc["choices"] = text->continuations;
  for (size_t i = 0; i < question.answers.size(); ++i) {
    const AnswerResult& answer = question.answers[i];
    votes.push_back(format_number(answer.votes));
    const Json pair = {Json(answer.sum_log_prob).dump(), "False"};
    resps.push_back(Json::array({pair}));
    filtered.push_back(pair);
    if (text == nullptr) continue;
    arguments["gen_args_" + std::to_string(i)] = {{"arg_0", text->context}, {"arg_1", text->continuations[i]}};
  }
  doc["votes"] = votes;
  const std::string target = "[" + join(votes) + "]";
  Json names = Json::array();
  for (const Metric& metric : all_metrics()) {
    if (metric.of_model) names.push_back(metric.name);
  }
  Json json = {{"doc_id", number},
               {"doc", doc},
               {"target", target},
               {"arguments", std::move(arguments)},
               {"resps", std::move(resps)},
               {"filtered_resps", std::move(filtered)},
               {"filter", "none"},
               {"metrics", std::move(names)},
               {"doc_hash", hash_of(doc.dump())},
               {"prompt_hash", hash_of(text == nullptr ? question_name(question.topic, question.id) : text->context)},
               {"target_hash", hash_of(target)}};
  for (const Metric& metric : all_metrics()) {
    if (!metric.of_model) continue;
    const auto& value = question.metrics.*metric.of_question;
    json[metric.name] = value ? Json(*value) : Json(nullptr);
  }
  return json;
}

}  // namespace

std::string lm_eval_folder(const Run& run) {
  std::string folder;
  for (const char c : run.model.name) {
    const bool replaced = std::string_view("\"<>:/|\\?*[]").find(c) != std::string_view::npos;
    if (!replaced) folder += c;
    if (replaced && !folder.ends_with("__")) folder += "__";
  }
  const bool leads_elsewhere = folder.find_first_not_of('.') == std::string::npos;  // "", "." and ".."
  return leads_elsewhere ? folder + "__" : folder;
}

std::vector<NamedText> lm_eval_files(const Run& run, const Summary& summary, const QuestionTexts& texts) {
  std::vector<NamedText> files = {
      {file_name("results_" + date_id(run) + ".json"), dump(results_json(run, summary), 2)}};
  std::map<std::string, std::pair<int64_t, std::string>> samples;  // a topic's lines and their number
  for (const QuestionResult& question : run.questions) {
    auto& [n, lines] = samples[question.topic];
    const auto text = texts.find({question.topic, question.id});
    lines += dump(sample_json(question, n++, text == texts.end() ? nullptr : &text->second), -1);
  }
  for (auto& [topic, entry] : samples) {
    files.push_back(
        {file_name("samples_" + task_name(topic) + "_" + date_id(run) + ".jsonl"), std::move(entry.second)});
  }
  return files;
}

}  // namespace hre
