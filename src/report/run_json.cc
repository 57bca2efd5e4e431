#include "report/run_json.h"

#include "analysis/metric.h"
#include "analysis/notes.h"
#include "analysis/scores.h"
#include "report/json_numbers.h"

namespace hre {
namespace {

Json of_model(const ModelDescription& model) {
  const auto or_null = [](const std::string& text) { return text.empty() ? Json(nullptr) : Json(text); };
  return {{"name", model.name},
          {"source", model.source},
          {"fingerprint", or_null(model.fingerprint)},
          {"architecture", model.architecture},
          {"parameters", model.parameters},
          {"file_type", or_null(model.file_type)}};
}

Json of_shard(const RunShard& shard) {
  return {{"index", shard.index}, {"count", shard.count}, {"selected", shard.selected}, {"places", shard.places}};
}

Json of_early_stop(const EarlyStop& stop) {
  return {{"rule", stop.rule},
          {"metric", stop.metric},
          {"seed", stop.seed},
          {"reached", stop.reached},
          {"ci95", {json_number(stop.low), json_number(stop.high)}}};
}

Json of_config(const Run& run) {
  const EvalOptions& options = run.options;
  Json config = {{"prompt", options.prompt},
                 {"topics", options.topics},
                 {"limit", options.limit ? Json(*options.limit) : Json(nullptr)},
                 {"where", options.where},
                 {"shuffle_seed", options.shuffle ? Json(options.shuffle_seed) : Json(nullptr)},
                 {"score", score_formula(run)},
                 {"undefined", undefined_name(options.undefined)}};
  for (const auto& [name, value] : run.model.settings) config[name] = value;
  return config;
}

Json of_answer(const AnswerResult& answer) {
  Json json = {{"votes", json_number(answer.votes)},
               {"n_chars", answer.n_chars},
               {"n_bytes", answer.n_bytes > 0 ? Json(answer.n_bytes) : Json(nullptr)},
               {"n_tokens", answer.n_tokens},
               {"n_truncated", answer.n_truncated},
               {"sum_log_prob", json_number(answer.sum_log_prob)},
               {"score", json_number(answer.score)}};
  if (answer.reference_log_prob) json["reference_log_prob"] = json_number(*answer.reference_log_prob);
  if (answer.n_cut_chars > 0) json["n_cut_chars"] = answer.n_cut_chars;
  if (!answer.token_log_probs.empty()) {
    Json tokens = Json::array();
    for (const float value : answer.token_log_probs) tokens.push_back(json_number(static_cast<double>(value)));
    json["token_log_probs"] = std::move(tokens);
  }
  if (!answer.token_texts.ends.empty()) {
    Json texts = Json::array();
    for (size_t i = 0; i < answer.token_texts.ends.size(); ++i) texts.push_back(answer.token_texts.part(i));
    json["token_texts"] = std::move(texts);
  }
  return json;
}

/// Of a log of another harness: its value alone.
Json of_item(const QuestionResult& item) {
  return {{"id", item.id},
          {"topic", item.topic},
          {"item", json_number(item.metrics.item)},
          {"measurements", item.repeats.n}};
}

Json of_question(const QuestionResult& question) {
  Json json = {{"id", question.id}, {"topic", question.topic}};
  for (const Metric& metric : all_metrics()) json[metric.name] = json_number(question.metrics.*metric.of_question);
  for (const Metric& metric : dated_metrics()) {
    if (question.metrics.*metric.of_question) json[metric.name] = *(question.metrics.*metric.of_question);
  }
  for (const Metric& metric : all_metrics()) {
    if (metric.chance_of_question == nullptr) continue;
    json[std::string(metric.name) + "_chance"] = json_number(question.metrics.*metric.chance_of_question);
  }
  if (!question.problem.empty()) json["problem"] = question.problem;
  json["answers"] = Json::array();
  for (const AnswerResult& answer : question.answers) json["answers"].push_back(of_answer(answer));
  return json;
}

}  // namespace

std::string run_json(const Run& run, const Summary& summary, bool details, const ClusteredValue* clustered) {
  Json json;
  json["format"] = "hre-run/1";
  json["created"] = run.created;
  json["score"] = run.model.normalise_by_characters ? Json(name_of(kScoreKinds, run.score)) : Json(nullptr);
  if (run.reference) {
    json["reference"] = {{"name", run.reference->name},
                         {"source", run.reference->source},
                         {"fingerprint", run.reference->fingerprint},
                         {"prompt", run.reference->prompt}};
  }
  json["partial"] = run.partial();
  json["planned"] = run.planned;
  if (run.shard) json["shard"] = of_shard(*run.shard);
  if (run.early_stop) json["early_stop"] = of_early_stop(*run.early_stop);
  json["model"] = of_model(run.model);
  json["dataset"] = {{"name", run.dataset_name},
                     {"source", run.dataset_source},
                     {"fingerprint", run.dataset_fingerprint},
                     {"questions", run.dataset_questions}};
  json["config"] = of_config(run);
  Json topics = Json::object();
  for (const TopicSummary& topic : summary.topics) {
    Json& entry = topics[topic.topic] = {{"questions", topic.questions}, {"undefined", topic.undefined}};
    add_metrics(entry, topic.metrics);
  }
  Json micro = {{"questions", summary.questions}, {"undefined", summary.undefined}};
  add_metrics(micro, summary.micro);
  micro["length"] = json_length_parts(summary.micro_length);
  micro["length_share"] = json_length_share(summary.micro_length);
  micro["bootstrap"] = summary.draws > 0 ? Json{{"draws", summary.draws}, {"seed", summary.seed}} : Json(nullptr);
  if (clustered) micro["clustered"] = json_clustered(clustered->micro);
  Json macro = {{"topics", summary.topics.size()}};
  add_metrics(macro, summary.macro);
  macro["length"] = json_length_parts(summary.macro_length);
  if (clustered) macro["clustered"] = json_clustered(clustered->macro);
  json["results"] = {{"topics", std::move(topics)}, {"micro", std::move(micro)}, {"macro", std::move(macro)}};
  json["results"]["scores"] = json_scores(summary.scores);
  json["notes"] = run_notes(run, summary.questions);
  json["times"] = {{"plan_seconds", run.times.plan_seconds},
                   {"score_seconds", run.times.score_seconds},
                   {"positions", run.times.positions},
                   {"positions_unshared", run.times.positions_unshared},
                   {"questions_reused", run.times.reused}};
  if (details) {
    json["questions"] = Json::array();
    for (const QuestionResult& question : run.questions) {
      json["questions"].push_back(run.item_metric.empty() ? of_question(question) : of_item(question));
    }
  }
  return json_text(json);
}

std::string reference_json(const Run& run, const Summary& summary) {
  Json json;
  json["results"] = Json::object();
  Json versions = Json::object(), lengths = Json::object();
  for (const TopicSummary& topic : summary.topics) {
    const std::string task = "human_rank_eval_" + topic.topic;
    json["results"][task] = {{"pearson_corr", json_number(topic.metrics.pearson.mean)},
                             {"pearson_corr_stderr", json_number(topic.metrics.pearson.stderr_)}};
    versions[task] = 0;
    lengths[task] = topic.questions;
  }
  json["results"]["=== HumanRankEval Score ==="] = {{"Micro Average", json_number(summary.micro.pearson.mean)}};
  json["versions"] = std::move(versions);
  json["dataset_lengths"] = std::move(lengths);
  json["config"] = of_config(run);
  json["config"]["model"] = run.model.source;
  json["config"]["notes"] = run_notes(run, summary.questions);
  return json_text(json);
}

}  // namespace hre
