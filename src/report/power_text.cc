#include "report/power_text.h"

#include <fmt/format.h>

#include <cmath>

#include "analysis/option_names.h"
#include "core/text.h"
#include "core/visible.h"
#include "report/comparison_json.h"
#include "report/comparison_table.h"
#include "report/detection.h"
#include "report/number_text.h"
#include "report/text_table.h"

namespace hre {
namespace {

std::string case_name(const RunPower& power, const PowerCase& c) {
  const std::string correlation = c.correlation ? fmt::format("{:.2f}", *c.correlation) : "unknown";
  return power.seen ? correlation + " (observed)" : correlation + " (assumed)";
}

std::string cases_table(const RunPower& power, int width) {
  const double percent = 100 * power.options.levels.power;
  std::vector<std::string> header = {"correlation of values", "deviation of differences",
                                     fmt::format("smallest difference with {} questions", power.questions)};
  if (power.options.difference)
    header.push_back(fmt::format("questions needed for {:g}", std::abs(*power.options.difference)));
  TextTable table(header);
  for (const PowerCase& c : power.cases) {
    std::vector<std::string> cells = {case_name(power, c), significant(c.deviation), significant(c.detectable)};
    if (power.options.difference) cells.push_back(c.needed ? std::to_string(*c.needed) : "over 10^12");
    table.add_row(std::move(cells));
  }
  return wrapped(fmt::format("What a paired t test at the {:g} % level detects with {:g} % probability:\n\n",
                             100 * power.options.levels.alpha, percent),
                 width) +
         table.render(width);
}

std::string curve_table(const RunPower& power, int width) {
  std::vector<std::string> header = {"questions"};
  for (const PowerCase& c : power.cases) {
    header.push_back("smallest difference, " + case_name(power, c));
    if (power.options.difference) header.push_back(fmt::format("power for {:g}", std::abs(*power.options.difference)));
  }
  TextTable table(header);
  for (size_t i = 0; i < power.cases.front().curve.size(); ++i) {
    std::vector<std::string> cells = {std::to_string(power.cases.front().curve[i].questions)};
    for (const PowerCase& c : power.cases) {
      cells.push_back(significant(c.curve[i].detectable));
      if (power.options.difference)
        cells.push_back(c.curve[i].power ? fmt::format("{:.1f} %", 100 * *c.curve[i].power) : "–");
    }
    table.add_row(std::move(cells));
  }
  return table.render(width);
}

std::string detection_table(const RunPower& power, int width) {
  TextTable table({"questions", "A found better [95 %]", "B found better"});
  for (const DetectionPoint& point : power.detection) {
    table.add_row({std::to_string(point.n), rate_text(point), fmt::format("{:.1f} %", 100 * point.opposite)});
  }
  const std::string sentences = fmt::format(
      "\nQuestions needed to detect the observed difference again with {:g} % probability: {}.\n"
      "Probability by number of questions; in brackets, for the ends of the difference's interval:\n\n",
      100 * power.options.levels.power, questions_text(power.needed_for_seen));
  return wrapped(sentences, width) + table.render(width);
}

Json of_run(const ComparedRun& run, Weights weights) {
  Json json = {{"model", run.model}, {"source", run.source}, {"score", json_text_or_null(run.score)}};
  add_means(json, run.summary);
  json["length_share"] = json_length_share(run.length(weights));
  return json;
}

Json of_case(const PowerCase& c, bool seen) {
  Json json = {{"correlation", json_number(c.correlation)},
               {"assumed", !seen},
               {"deviation", c.deviation},
               {"detectable", json_number(c.detectable)},
               {"needed", c.needed ? Json(*c.needed) : Json(nullptr)}};
  json["curve"] = Json::array();
  for (const PowerPoint& point : c.curve) {
    json["curve"].push_back({{"questions", point.questions},
                             {"detectable", json_number(point.detectable)},
                             {"power", json_number(point.power)}});
  }
  return json;
}

}  // namespace

std::string power_text(const RunPower& power, int width) {
  const Metric& metric = *power.options.compare.metric;
  const Weights weights = power.options.compare.statistics.weights;
  std::string text;
  for (const std::string& note : power.notes) text += visible_line(note) + '\n';
  for (size_t i = 0; i < power.runs.size(); ++i) {
    const Estimate& value = power.runs[i].means(weights).*metric.of_summary;
    text += fmt::format("{}  {}: {} {}\n", letter_of(i), visible_line(power.runs[i].model), metric.title,
                        with_error(value) + chance_text(value));
  }
  text += counted(power.shared, "question");
  if (power.undefined > 0) text += fmt::format(" ({} left out, without a value)", power.undefined);
  if (power.seen) {
    text += "; A − B " + with_interval(power.seen->difference.mean, interval_of(*power.seen)) + ", " +
            p_equals(power.seen->p);
  }
  text = wrapped(text + "\n", width) + length_table(power.runs, weights, width) + '\n' + cases_table(power, width) +
         '\n' + curve_table(power, width);
  if (!power.detection.empty()) return text + detection_table(power, width);
  if (!power.seen) return text;
  return text + '\n' +
         wrapped(fmt::format("How many questions would detect the observed difference again is not shown: its interval "
                             "needs {} questions and differences that vary.\n",
                             kFewestForEffect),
                 width);
}

std::string power_json(const RunPower& power, const std::vector<std::string>& where) {
  const PowerOptions& options = power.options;
  Json json = {{"format", "hre-power/1"}, {"metric", options.compare.metric->name}};
  json["config"] = {{"weights", name_of(kWeights, options.compare.statistics.weights)},
                    {"undefined", undefined_name(power.undefined_policy)},
                    {"where", where},
                    {"alpha", options.levels.alpha},
                    {"power", options.levels.power},
                    {"seed", options.compare.statistics.seed}};
  json["shared"] = power.shared;
  json["undefined"] = power.undefined;
  json["questions"] = power.questions;
  json["difference"] = json_number(power.options.difference);
  json["runs"] = Json::array();
  for (const ComparedRun& run : power.runs) json["runs"].push_back(of_run(run, options.compare.statistics.weights));
  json["seen"] = power.seen ? json_paired(*power.seen) : Json(nullptr);
  json["cases"] = Json::array();
  for (const PowerCase& c : power.cases) json["cases"].push_back(of_case(c, power.seen.has_value()));
  json["needed_for_seen"] = json_questions(power.needed_for_seen);
  json["detection"] = json_detection(power.detection);
  json["notes"] = power.notes;
  return json_text(json);
}

}  // namespace hre
