#include "report/comparison_json.h"

#include "analysis/option_names.h"

namespace hre {
namespace {

Json of_repetition(const RepetitionParts& parts) {
  return {{"stderr_items", json_number(parts.items)}, {"stderr_measurements", json_number(parts.measurements)}};
}

Json of_run(const ComparedRun& run, Weights weights) {
  Json json = {{"model", run.model},
               {"source", run.source},
               {"created", run.created},
               {"score", json_text_or_null(run.score)},
               {"only_here", run.only_here},
               {"undefined", run.undefined},
               {"rank", run.rank.rank},
               {"rank95", json_interval(run.rank.interval)},
               {"length_share", json_length_share(run.length(weights))}};
  if (run.repetition) {
    json["repetition"] = of_repetition(run.repetition->parts);
    json["repetition"]["repeated_items"] = run.repetition->repeated;
    json["repetition"]["measurements_per_item"] = run.repetition->measurements;
  }
  add_means(json, run.summary);
  return json;
}

Json of_difference(const RunDifference& difference) {
  return {{"what", difference.what}, {"values", difference.values}};
}

Json of_pair(const Comparison& comparison, size_t position) {
  const ComparedPair& pair = comparison.pairs[position];
  Json json = {{"a", pair.a},
               {"b", pair.b},
               {"told_apart", comparison.told_apart(pair.comparison)},
               {"not_interchangeable", not_interchangeable(pair.comparison, comparison.options.level)}};
  json.update(json_paired(pair.comparison));
  if (pair.clustered) json["clustered"] = json_clustered(pair.clustered);
  if (pair.repetition) json["repetition"] = of_repetition(*pair.repetition);
  for (const ComparedMetric& bits : comparison.bits) json[bits.metric->name] = json_paired(bits.pairs[position]);
  return json;
}

Json of_gate(const GateDecision& gate) {
  return {{"against", gate.against},
          {"margin", gate.margin},
          {"difference", json_number(gate.difference)},
          {"p", json_number(gate.p)},
          {"p_holm", json_number(gate.p_holm)},
          {"verdict", gate_verdict_name(gate.verdict)},
          {"questions_needed", gate.questions_needed ? Json(*gate.questions_needed) : Json(nullptr)}};
}

Json of_moved(const MovedQuestion& question) {
  return {{"topic", question.topic},
          {"id", question.id},
          {"a", question.a},
          {"b", question.b},
          {"difference", question.a - question.b}};
}

Json of_decision(const Decision& decision) {
  return {{"decided", decision.decided},
          {"used", decision.used},
          {"questions", decision.questions},
          {"ci95", json_interval(decision.interval)},
          {"seed", decision.seed}};
}

template <class Items, class Of>
Json list_of(const Items& items, Of of) {
  Json json = Json::array();
  for (const auto& item : items) json.push_back(of(item));
  return json;
}

}  // namespace

Json json_paired(const PairedComparison& pair) {
  const Estimate& difference = pair.difference;
  return {{"n", difference.n},
          {"mean_a", json_number(pair.mean_a)},
          {"mean_b", json_number(pair.mean_b)},
          {"difference", json_number(difference.mean)},
          {"stderr", json_number(difference.stderr_)},
          {"ci95", {json_number(difference.ci_low), json_number(difference.ci_high)}},
          {"bootstrap95", json_interval(pair.bootstrap)},
          {"p", json_number(pair.p)},
          {"p_exact", pair.p_exact()},
          {"p_method", p_method_name(pair.p_method)},
          {"p_holm", json_number(pair.p_holm)},
          {"effect_size", json_number(pair.effect_size)},
          {"effect95", json_interval(pair.effect95)},
          {"won", pair.won},
          {"tied", pair.tied},
          {"lost", pair.lost}};
}

std::string comparison_json(const Comparison& comparison, const std::vector<std::string>& where) {
  const CompareOptions& options = comparison.options;
  Json json;
  json["format"] = "hre-compare/1";
  json["metric"] = options.metric->name;
  json["config"] = {{"weights", name_of(kWeights, options.statistics.weights)},
                    {"undefined", undefined_name(comparison.undefined_policy)},
                    {"where", where},
                    {"level", options.level},
                    {"draws", options.statistics.draws},
                    {"permutations", options.statistics.permutations},
                    {"seed", options.statistics.seed}};
  json["differences"] = list_of(comparison.differences, of_difference);
  json["questions"] = {
      {"shared", comparison.shared}, {"undefined", comparison.undefined}, {"different", comparison.different}};
  json["runs"] =
      list_of(comparison.runs, [&](const ComparedRun& run) { return of_run(run, options.statistics.weights); });
  json["pairs"] = Json::array();
  for (size_t i = 0; i < comparison.pairs.size(); ++i) json["pairs"].push_back(of_pair(comparison, i));
  json["topics"] = Json::object();
  for (size_t i = 0; comparison.pairs.size() == 1 && i < comparison.topics.size(); ++i) {
    json["topics"][comparison.topics[i]] = json_paired(comparison.pairs[0].topics[i]);
  }
  json["groups"] = comparison.groups;
  json["moved"] = list_of(comparison.moved, of_moved);
  json["notes"] = comparison.notes;
  json["gate"] = list_of(comparison.gates, of_gate);
  json["until"] = comparison.decision ? of_decision(*comparison.decision) : Json(nullptr);
  return json_text(json);
}

}  // namespace hre
