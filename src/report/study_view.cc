#include "report/study_view.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "core/json_whole.h"

namespace hre {
namespace {

using Json = nlohmann::ordered_json;

std::optional<double> number_of(const Json& json) {
  return json.is_null() ? std::nullopt : std::optional(json.get<double>());
}

Estimate estimate_of(const Json& json) {
  Estimate e;
  e.n = whole_number<int64_t>(json.at("n"));
  e.undefined = whole_number<int64_t>(json.at("undefined"));
  e.mean = number_of(json.at("mean"));
  e.stderr_ = number_of(json.at("stderr"));
  e.ci_low = number_of(json.at("ci95").at(0));
  e.ci_high = number_of(json.at("ci95").at(1));
  e.chance = number_of(json.value("chance", Json()));
  return e;
}

/// The estimates among an object's members.
std::map<std::string, Estimate> estimates_of(const Json& json) {
  std::map<std::string, Estimate> estimates;
  for (const auto& [name, value] : json.items()) {
    if (value.is_object() && value.contains("ci95") && value.contains("mean")) estimates[name] = estimate_of(value);
  }
  return estimates;
}

StudyView::Member member_of(const Json& json, const char* means) {
  return {json.at("name").get<std::string>(),
          json.at("family").get<std::string>(),
          json.at("stage").get<std::string>(),
          json.at("size").get<double>(),
          estimates_of(json.at(means)),
          estimates_of(json.at("topics")),
          estimates_of(json.value("topics_spearman", Json::object()))};
}

std::string agreement_of(const Json& json) {
  const auto value = number_of(json.at("value"));
  if (!value) return "undefined";
  std::string text = fmt::format("r {:.2f}", *value);
  // Studies that were written earlier have a bootstrap's, which held too seldom for few models: it is not shown.
  const Json interval = json.value("ci95", Json());
  if (interval.is_array() && interval.at(0).is_number() && interval.at(1).is_number())
    text += fmt::format(" [{:.2f}, {:.2f}]", interval.at(0).get<double>(), interval.at(1).get<double>());
  if (const auto p = number_of(json.at("p"))) text += fmt::format(", p {:.2g}", *p);
  return text + fmt::format(", {} models", whole_number<int64_t>(json.at("n")));
}

std::optional<LeastSquares> line_of(const Json& json) {
  if (!json.contains("line")) return std::nullopt;
  const auto of = [&](const char* name) { return json.at("line").at(name).get<double>(); };
  return LeastSquares{of("intercept"), of("slope"), of("mean_x"), of("sum_xx"), of("error"), of("n")};
}

void read_judgements(const Json& json, StudyView& view) {
  for (const Json& judgement : json.at("judgements")) {
    StudyView::Judgement one{judgement.at("name").get<std::string>(), {}, {}, {}};
    for (const Json& value : judgement.at("values")) one.values.push_back(number_of(value));
    one.values.resize(view.members.size());
    view.judgements.push_back(std::move(one));
  }
  for (const Json& agreement : json.at("agreement")) {
    if (agreement.at("kind") != "pearson") continue;
    for (StudyView::Judgement& judgement : view.judgements) {
      if (judgement.name != agreement.at("judgement").get<std::string>()) continue;
      judgement.agreement = agreement_of(agreement);
      judgement.line = line_of(agreement);
    }
  }
}

void read_matrix(const Json& json, StudyView& view) {
  if (!json.is_object()) return;
  view.columns = json.at("columns").get<std::vector<std::string>>();
  for (const Json& row : json.at("pearson")) {
    view.matrix.emplace_back();
    for (const Json& one : row)
      view.matrix.back().push_back({number_of(one.at("value")), whole_number<int64_t>(one.at("n"))});
    view.matrix.back().resize(view.columns.size());
  }
  view.matrix.resize(view.columns.size(), std::vector<StudyView::Cell>(view.columns.size()));
}

}  // namespace

Result<StudyView> read_study(std::string_view text, const std::string& where) {
  try {
    const Json json = Json::parse(text);
    if (!json.is_object() || json.value("format", "") != "hre-study/1") {
      return input_error("is not a study of format hre-study/1", where, "hre study FILE.toml writes one with ‹json›");
    }
    StudyView view;
    view.name = json.at("name").get<std::string>();
    view.metric = json.at("metric").get<std::string>();
    view.topics = json.at("topics").get<std::vector<std::string>>();
    const bool of_topics = json.value("config", Json::object()).value("weights", "") == "topics";
    for (const Json& member : json.at("runs")) view.members.push_back(member_of(member, of_topics ? "macro" : "micro"));
    view.benchmark = json.value("benchmark", view.benchmark);
    read_judgements(json, view);
    read_matrix(json.at("matrix"), view);
    return view;
  } catch (const Json::exception& problem) {
    return input_error(std::string("is not a study of format hre-study/1: ") + problem.what(), where);
  }
}

}  // namespace hre
