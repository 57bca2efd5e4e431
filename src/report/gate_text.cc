#include "report/gate_text.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "analysis/option_names.h"
#include "analysis/scores.h"
#include "core/named.h"
#include "core/question_name.h"
#include "core/text.h"
#include "core/visible.h"
#include "report/comparison_json.h"
#include "report/json_numbers.h"
#include "report/number_text.h"
#include "report/report_tables.h"
#include "report/text_table.h"

namespace hre {
namespace {

const GateRule& rule_of(const GateReport& report, const GateCheck& check) { return report.policy.rules[check.rule]; }

/// "pearson (per-byte) in python"
std::string name_of_check(const GateReport& report, const GateCheck& check) {
  const GateRule& rule = rule_of(report, check);
  std::string name = rule.metric->name;
  if (rule.score) name += fmt::format(" ({})", name_of(kScoreKinds, *rule.score));
  if (rule.weights == Weights::kTopics) name += ", topics of equal weight";
  return check.topic.empty() ? name : name + " in " + check.topic;
}

/// What would settle an inconclusive check; empty for others.
std::string settling(const GateReport& report, const GateCheck& check) {
  const GateDecision& decision = check.decision;
  if (decision.verdict != GateVerdict::kInconclusive) return "";
  if (!decision.deviation) return "these questions leave the spread of the differences unknown";
  if (!decision.questions_needed) return decision.margin > 0 ? "no number of questions settles it" : "";
  if (*decision.questions_needed <= check.questions) {
    return fmt::format("an equally good run would pass with {} questions in 80 % of cases; this one may be worse",
                       *decision.questions_needed);
  }
  const int64_t needed = *decision.questions_needed;
  std::string text = fmt::format("{} questions are needed", needed);
  if (check.dataset_questions) {
    const char* only = needed <= *check.dataset_questions ? "" : "only ";
    return text + fmt::format("; the dataset has {}{}", only, *check.dataset_questions);
  }
  if (needed > report.dataset_questions) {
    return text + fmt::format("; the dataset has only {} in all topics", report.dataset_questions);
  }
  return text + "; the run is not of all questions, so how many the dataset has of this topic is not known";
}

std::vector<std::string> header() {
  return {"check", "n", "run", "baseline", "run − baseline [95 %]", "margin", "p (Holm)", "verdict"};
}

std::vector<std::string> cells(const GateReport& report, const GateCheck& check) {
  const std::string chance = check.chance.value_or(0) == 0 ? "" : " (chance " + two_decimals(check.chance) + ")";
  return {name_of_check(report, check) + chance,
          std::to_string(check.questions),
          two_decimals(check.run),
          two_decimals(check.baseline),
          with_interval(check.comparison.difference.mean, interval_of(check.comparison)),
          fmt::format("{:g}", check.decision.margin),
          p_text(check.decision.p_holm),
          gate_verdict_word(check.decision.verdict)};
}

std::string escaped_xml(std::string_view text) {
  return replaced(flat(text), {{'<', "&lt;"}, {'>', "&gt;"}, {'&', "&amp;"}, {'"', "&quot;"}});
}

std::string markdown_row(const std::vector<std::string>& row) {
  std::vector<std::string> escaped;
  for (const std::string& cell : row) escaped.push_back(escaped_markdown(cell));
  return "| " + join(escaped, " | ") + " |\n";
}

}  // namespace

const char* gate_verdict_word(GateVerdict verdict) {
  constexpr Named<GateVerdict> kWords[] = {
      {"PASS", GateVerdict::kPass}, {"FAIL", GateVerdict::kFail}, {"INCONCLUSIVE", GateVerdict::kInconclusive}};
  return name_of(kWords, verdict);
}

std::string gate_summary(const GateReport& report) {
  int64_t n[3] = {};
  for (const GateCheck& check : report.checks) ++n[static_cast<int>(check.decision.verdict)];
  return fmt::format("{} against {}: {}, {} passed, {} failed, {} inconclusive", report.run, report.baseline,
                     counted(static_cast<int64_t>(report.checks.size()), "check"), n[0], n[1], n[2]);
}

std::string gate_text(const GateReport& report, int width) {
  std::string text = fmt::format("{}: {}\n\n", gate_verdict_word(report.verdict), visible_line(gate_summary(report)));
  for (const std::string& note : report.notes) text += visible_line(note) + '\n';
  TextTable table(header());
  for (const GateCheck& check : report.checks) table.add_row(cells(report, check));
  text = wrapped(text, width) + table.render(width);
  for (const GateCheck& check : report.checks) {
    if (const std::string what = settling(report, check); !what.empty()) {
      text += wrapped("\n" + visible_line(name_of_check(report, check)) + ": " + what + ".\n", width);
    }
  }
  if (!report.fell.empty()) {
    TextTable fell({"fell most", "run", "baseline"});
    for (const MovedQuestion& question : report.fell) {
      fell.add_row({question_name(question.topic, question.id), two_decimals(question.a), two_decimals(question.b)});
    }
    text += '\n' + fell.render(width);
  }
  return text;
}

std::string gate_json(const GateReport& report, const std::vector<std::string>& where) {
  const GatePolicy& policy = report.policy;
  Json json = {{"format", "hre-gate/1"}, {"verdict", gate_verdict_name(report.verdict)}};
  json["run"] = report.run;
  json["baseline"] = report.baseline;
  json["config"] = {{"level", policy.level},
                    {"undefined", undefined_name(report.undefined)},
                    {"where", where},
                    {"reference", json_text_or_null(report.reference)},
                    {"allow_different", policy.allow_different},
                    {"draws", policy.statistics.draws},
                    {"permutations", policy.statistics.permutations},
                    {"seed", policy.statistics.seed}};
  json["checks"] = Json::array();
  for (const GateCheck& check : report.checks) {
    const GateRule& rule = rule_of(report, check);
    const GateDecision& decision = check.decision;
    Json one = {{"metric", rule.metric->name},
                {"score", rule.score ? Json(name_of(kScoreKinds, *rule.score)) : Json(nullptr)},
                {"scores", {json_text_or_null(check.run_score), json_text_or_null(check.baseline_score)}},
                {"weights", name_of(kWeights, rule.weights)},
                {"topic", check.topic.empty() ? Json(nullptr) : Json(check.topic)},
                {"chance", json_number(check.chance)},
                {"margin", decision.margin},
                {"verdict", gate_verdict_name(decision.verdict)},
                {"p_margin", json_number(decision.p)},
                {"p_margin_holm", json_number(decision.p_holm)},
                {"questions_needed", decision.questions_needed ? Json(*decision.questions_needed) : Json(nullptr)},
                {"dataset_questions", check.dataset_questions ? Json(*check.dataset_questions) : Json(nullptr)}};
    one.update(json_paired(check.comparison));
    json["checks"].push_back(std::move(one));
  }
  json["dataset_questions"] = report.dataset_questions;
  json["fell"] = Json::array();
  for (const MovedQuestion& question : report.fell) {
    json["fell"].push_back(
        {{"topic", question.topic}, {"id", question.id}, {"run", question.a}, {"baseline", question.b}});
  }
  json["differences"] = Json::array();
  for (const RunDifference& d : report.differences)
    json["differences"].push_back({{"what", d.what}, {"values", d.values}});
  json["notes"] = report.notes;
  return json_text(json);
}

std::string gate_markdown(const GateReport& report, const std::string& command) {
  constexpr Named<GateVerdict> kMarks[] = {
      {"✅", GateVerdict::kPass}, {"❌", GateVerdict::kFail}, {"❔", GateVerdict::kInconclusive}};
  const char* mark = name_of(kMarks, report.verdict);
  std::string text = fmt::format("### {} hre gate: {}\n\n{}.\n\n", mark, gate_verdict_word(report.verdict),
                                 escaped_markdown(gate_summary(report)));
  text += markdown_row(header()) + "|---|---:|---:|---:|---:|---:|---:|---|\n";
  for (const GateCheck& check : report.checks) text += markdown_row(cells(report, check));
  for (const GateCheck& check : report.checks) {
    if (const std::string what = settling(report, check); !what.empty()) {
      text += "\n" + escaped_markdown(name_of_check(report, check)) + ": " + what + ".\n";
    }
  }
  for (const std::string& note : report.notes) text += "\n" + escaped_markdown(note) + "\n";
  if (!report.fell.empty()) {
    text +=
        "\n<details><summary>Questions that fell most</summary>\n\n| question | run | baseline |\n|---|---:|---:|\n";
    for (const MovedQuestion& question : report.fell) {
      text += markdown_row(
          {question_name(question.topic, question.id), two_decimals(question.a), two_decimals(question.b)});
    }
    text += "\n</details>\n";
  }
  if (!command.empty()) text += "\nReproduce with:\n\n```\n" + command + "\n```\n";
  return text;
}

std::string gate_junit(const GateReport& report) {
  const auto count = [&](GateVerdict verdict) {
    return std::ranges::count_if(report.checks,
                                 [&](const GateCheck& check) { return check.decision.verdict == verdict; });
  };
  std::string text = fmt::format(
      "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites>\n  <testsuite name=\"hre gate\" tests=\"{}\" "
      "failures=\"{}\" errors=\"0\" skipped=\"{}\">\n",
      report.checks.size(), count(GateVerdict::kFail), count(GateVerdict::kInconclusive));
  for (const GateCheck& check : report.checks) {
    const std::string detail =
        fmt::format("run - baseline {}, margin {:g}, p {}",
                    with_interval(check.comparison.difference.mean, interval_of(check.comparison)),
                    check.decision.margin, p_text(check.decision.p_holm));
    text += fmt::format("    <testcase classname=\"{}\" name=\"{}\">", escaped_xml(report.run),
                        escaped_xml(name_of_check(report, check)));
    if (check.decision.verdict == GateVerdict::kFail) {
      text += fmt::format("<failure message=\"{}\"/>", escaped_xml(detail));
    } else if (check.decision.verdict == GateVerdict::kInconclusive) {
      text += fmt::format("<skipped message=\"inconclusive: {}\"/>", escaped_xml(detail));
    }
    text += "</testcase>\n";
  }
  return text + "  </testsuite>\n</testsuites>\n";
}

}  // namespace hre
