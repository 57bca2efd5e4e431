#include "report/study_json.h"

#include "analysis/option_names.h"
#include "report/comparison_json.h"
#include "report/detection.h"
#include "report/study_table.h"

namespace hre {
namespace {

Json of_run(const Study& study, size_t position) {
  const StudyMember& member = study.members[position];
  const ComparedRun& run = study.runs[position];
  Json json = {{"name", member.name},
               {"family", member.family},
               {"size", member.size},
               {"stage", name_of(kStages, member.stage)},
               {"model", run.model},
               {"source", run.source},
               {"score", json_text_or_null(run.score)},
               {"only_here", run.only_here},
               {"undefined", run.undefined},
               {"length_share", json_length_share(run.length(study.options.compare.statistics.weights))}};
  add_means(json, run.summary);
  Json topics = Json::object(), by_ranks = Json::object();
  for (const TopicSummary& topic : run.summary.topics) {
    topics[topic.topic] = json_estimate(topic.metrics.*study.options.compare.metric->of_summary);
    by_ranks[topic.topic] = json_estimate(topic.metrics.spearman);
  }
  json["topics"] = std::move(topics);
  json["topics_spearman"] = std::move(by_ranks);
  return json;
}

Json of_pair(const StagePair& pair) {
  Json json = {{"family", pair.family}, {"size", pair.size}, {"later", pair.later}, {"earlier", pair.earlier}};
  json.update(json_paired(pair.comparison));
  json["detection"] = json_detection(pair.detection);
  json["questions_80"] = json_questions(pair.questions_80);
  return json;
}

Json of_separation(const Separation& separation) {
  Json json = {{"earlier", name_of(kStages, separation.earlier)}, {"later", name_of(kStages, separation.later)}};
  json["pairs"] = Json::array();
  for (const StagePair& pair : separation.pairs) json["pairs"].push_back(of_pair(pair));
  json["pooled"] = nullptr;
  if (separation.pooled) {
    json["pooled"] = json_paired(*separation.pooled);
    json["pooled"]["detection"] = json_detection(separation.detection);
    json["pooled"]["families"] = separation.families;
    json["pooled"]["questions_80"] = json_questions(separation.questions_80);
  }
  json["auc"] = nullptr;
  if (separation.auc) {
    json["auc"] = {{"area", separation.auc->area}, {"p", separation.auc->p.p}, {"p_exact", separation.auc->p.exact()}};
  }
  return json;
}

Json of_agreement(const JudgedAgreement& judged) {
  const Agreement& agreement = judged.agreement;
  Json json = {{"judgement", judged.judgement},
               {"kind", correlation_name(judged.kind)},
               {"n", agreement.n},
               {"few", agreement.few},
               {"value", json_number(agreement.value)},
               {"p", agreement.p ? json_number(agreement.p->p) : Json(nullptr)},
               {"p_exact", agreement.p ? agreement.p->exact() : false},
               {"ci95", json_interval(agreement.interval)},
               {"leave_one_out", json_interval(agreement.leave_one_out)}};
  json["most_influential"] = judged.most_influential ? Json(*judged.most_influential) : Json(nullptr);
  if (judged.line) {
    const LeastSquares& line = *judged.line;
    json["line"] = {{"intercept", line.intercept}, {"slope", line.slope}, {"mean_x", line.mean_x},
                    {"sum_xx", line.sum_xx},       {"error", line.error}, {"n", line.n}};
  }
  return json;
}

Json of_matrix(const std::vector<std::vector<MatrixCell>>& matrix) {
  Json rows = Json::array();
  for (const auto& row : matrix) {
    Json cells = Json::array();
    for (const MatrixCell& cell : row) cells.push_back({{"value", json_number(cell.value)}, {"n", cell.n}});
    rows.push_back(std::move(cells));
  }
  return rows;
}

Json of_judgement(const Judgement& judgement) {
  Json values = Json::array();
  for (const auto& value : judgement.values) values.push_back(json_number(value));
  return {{"name", judgement.name}, {"values", std::move(values)}};
}

Json of_config(const Study& study, const std::vector<std::string>& where) {
  const StudyOptions& options = study.options;
  const ComparisonOptions& statistics = options.compare.statistics;
  return {{"weights", name_of(kWeights, statistics.weights)},
          {"undefined", undefined_name(study.undefined_policy)},
          {"where", where},
          {"draws", statistics.draws},
          {"permutations", statistics.permutations},
          {"agreement_permutations", options.agreement.permutations},
          {"seed", statistics.seed},
          {"detection_alpha", options.levels.alpha},
          {"detection_power", options.levels.power}};
}

}  // namespace

std::string study_json(const Study& study, const std::string& name, const std::vector<std::string>& where) {
  Json json = {{"format", "hre-study/1"}, {"name", name}, {"metric", study.options.compare.metric->name}};
  json["benchmark"] = study.benchmark;
  json["config"] = of_config(study, where);
  json["differences"] = Json::array();
  for (const RunDifference& d : study.differences)
    json["differences"].push_back({{"what", d.what}, {"values", d.values}});
  json["questions"] = {{"shared", study.shared}, {"undefined", study.undefined}, {"different", study.different}};
  json["notes"] = study.notes;
  json["topics"] = study.topics;
  json["runs"] = Json::array();
  for (size_t i = 0; i < study.runs.size(); ++i) json["runs"].push_back(of_run(study, i));
  json["separations"] = Json::array();
  for (const Separation& separation : study.separations) json["separations"].push_back(of_separation(separation));
  json["judgements"] = Json::array();
  for (const Judgement& judgement : study.judgements) json["judgements"].push_back(of_judgement(judgement));
  json["agreement"] = Json::array();
  for (const JudgedAgreement& judged : study.agreements) json["agreement"].push_back(of_agreement(judged));
  json["matrix"] = {{"columns", study.columns}};
  for (const auto& [kind, matrix] : study.matrices) json["matrix"][correlation_name(kind)] = of_matrix(matrix);
  return json_text(json);
}

}  // namespace hre
