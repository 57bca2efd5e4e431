#include "report/confounds_text.h"

#include <fmt/format.h>

#include "report/comparison_table.h"
#include "report/json_numbers.h"
#include "report/text_table.h"

namespace hre {
namespace {

std::optional<LengthShare> as_share(const std::optional<ExplainedShare>& share) {
  if (!share) return std::nullopt;
  return LengthShare{share->share, share->interval.low, share->interval.high};
}

Json of_covariate(const CovariateSummary& covariate) {
  return {{"name", covariate.name},
          {"questions", covariate.questions},
          {"votes", json_estimate(covariate.votes)},
          {"scores", json_estimate(covariate.scores)},
          {"value", json_estimate(covariate.value)},
          {"partial", json_estimate(covariate.partial)},
          {"share", json_length_share(as_share(covariate.share))}};
}

Json of_run(const Run& run, const RunConfounds& confounds) {
  Json json = {{"model", run.model.name}, {"source", run.model.source}};
  json["covariates"] = Json::array();
  for (const CovariateSummary& covariate : confounds.covariates) json["covariates"].push_back(of_covariate(covariate));
  json["min_k"] = Json::array();
  for (const YearHint& year : confounds.years) {
    json["min_k"].push_back({{"year", year.year}, {"value", json_estimate(year.min_k)}});
  }
  return json;
}

}  // namespace

std::string confounds_text(const Run& run, const RunConfounds& confounds) {
  TextTable table(
      {run.model.name, "questions", "r(votes, it)", "r(scores, it)", "value", "value given it", "through it"});
  for (const CovariateSummary& c : confounds.covariates) {
    table.add_row({c.name, std::to_string(c.questions), with_interval(c.votes), with_interval(c.scores),
                   with_interval(c.value), with_interval(c.partial), share_text(as_share(c.share))});
  }
  std::string text = table.render();
  if (confounds.covariates.size() < 2) text += "\nAge and position: the dataset's metadata has no dates of answers.\n";
  if (confounds.years.empty()) {
    return text + "\nMin-K% by year: it needs a run with --keep-tokens, and dates in the dataset's metadata.\n";
  }
  TextTable years({"year", "questions", "Min-K% [95 %]"});
  for (const YearHint& year : confounds.years) {
    years.add_row({std::to_string(year.year), std::to_string(year.min_k.n), with_interval(year.min_k)});
  }
  return text + "\n" + years.render() +
         "\nMin-K% is the mean of the least likely tokens, in nats. Higher for years that training has seen: a hint, "
         "no proof.\n";
}

std::string confounds_json(const std::vector<Run>& runs, const std::vector<RunConfounds>& confounds,
                           const BootstrapOptions& options, double share) {
  Json json = {{"format", "hre-confounds/1"},
               {"config", {{"draws", options.draws}, {"seed", options.seed}, {"min_k_share", share}}}};
  json["runs"] = Json::array();
  for (size_t i = 0; i < runs.size(); ++i) json["runs"].push_back(of_run(runs[i], confounds[i]));
  return json_text(json);
}

}  // namespace hre
