#include "cli/watch_result.h"

#include <fmt/format.h>

#include <cmath>

#include "core/text.h"
#include "core/visible.h"
#include "report/comparison_json.h"
#include "report/json_numbers.h"
#include "report/number_text.h"
#include "report/training_text.h"

namespace hre::cli {
namespace {

/// Whole numbers without a point.
Json of_step(const std::optional<double>& step) {
  if (!step) return nullptr;
  return *step == std::floor(*step) ? Json(static_cast<int64_t>(*step)) : Json(*step);
}

Json of_since(const std::optional<SinceCheckpoint>& since) {
  if (!since) return nullptr;
  Json json = {{"path", since->path}, {"step", of_step(since->step)}};
  json.update(json_paired(since->comparison));
  return json;
}

void add_values(const CheckpointResult& result, Json& json) {
  const Run& run = *result.run;
  const MetricSummary& micro = result.summary->micro;
  json["run"] = json_text_or_null(run.id);
  json["name"] = json_text_or_null(run.name);
  json["model"] = run.model.name;
  json["fingerprint"] = run.model.fingerprint;
  json["dataset"] = run.dataset_name;
  json["dataset_fingerprint"] = run.dataset_fingerprint;
  json["questions"] = run.questions.size();
  json["planned"] = run.planned;
  json["partial"] = run.partial();
  json["undefined"] = result.summary->undefined;
  json["reused"] = run.times.reused;
  json["value"] = json_number(micro.pearson.mean);
  json["stderr"] = json_number(micro.pearson.stderr_);
  json["ci95"] = {json_number(micro.pearson.ci_low), json_number(micro.pearson.ci_high)};
  json["pairwise_accuracy"] = json_number(micro.pairwise_accuracy.mean);
  json["bits_per_byte"] = json_number(micro.bits_per_byte.mean);
  json["best"] = result.is_best;
  json["since_first"] = of_since(result.first);
  json["since_last"] = of_since(result.last);
  json["since_best"] = of_since(result.best);
  json["gate"] = json_text_or_null(result.gate);
}

std::string since_text(const char* what, const std::optional<SinceCheckpoint>& since) {
  if (!since || !since->comparison.difference.mean) return "";
  const Estimate& difference = since->comparison.difference;
  return fmt::format(", since the {} {}{}", what, *difference.mean < 0 ? "" : "+", with_error(difference));
}

}  // namespace

service::WatchLine watch_line(const CheckpointResult& result) {
  const service::FoundCheckpoint& checkpoint = result.checkpoint;
  Json json = {{"format", "hre-watch/1"},
               {"status", result.status},
               {"training", checkpoint.training},
               {"step", of_step(checkpoint.step)},
               {"path", checkpoint.path},
               {"identity", checkpoint.identity},
               {"time", result.time},
               {"seconds", json_number(result.seconds)}};
  if (!result.why.empty()) json["why"] = result.why;
  if (result.run) add_values(result, json);
  service::WatchLine line;
  line.status = result.status;
  line.path = checkpoint.path;
  line.identity = checkpoint.identity;
  line.training = checkpoint.training;
  line.step = checkpoint.step;
  if (result.run) {
    line.value = result.summary->micro.pearson.mean;
    line.run = result.run->id;
    line.dataset_fingerprint = result.run->dataset_fingerprint;
  }
  line.text = json.dump(-1, ' ', false, Json::error_handler_t::replace);
  return line;
}

std::string watch_text(const CheckpointResult& result, const std::string& name) {
  const std::string shown = visible_line(name);
  if (!result.run) return shown + " " + result.status + ": " + visible_line(result.why) + "\n";
  const Run& run = *result.run;
  const Estimate& value = result.summary->micro.pearson;
  std::string text = shown + ": HumanRankEval " + (value.mean ? with_error(value) : "undefined");
  text += fmt::format(" ({}{}, {})", counted(static_cast<int64_t>(run.questions.size()), "question"),
                      run.partial() ? fmt::format(" of {}", run.planned) : "", format_seconds(result.seconds));
  text += since_text("first", result.first) + since_text("last", result.last);
  if (result.is_best) {
    text += result.best ? ", the best so far" : "";
  } else {
    text += since_text("best", result.best);
  }
  if (!result.gate.empty()) text += ", gate: " + result.gate;
  return text + "\n";
}

std::vector<std::string> watch_environment(const service::WatchLine& line) {
  const auto json = nlohmann::json::parse(line.text, nullptr, false);
  const auto plain = [](const nlohmann::json& value) -> std::string {
    if (value.is_null()) return "";
    return value.is_string() ? value.get<std::string>() : value.dump();
  };
  const auto at = [&](const char* pointer) {
    const nlohmann::json::json_pointer place{std::string(pointer)};
    return json.is_object() && json.contains(place) ? plain(json.at(place)) : std::string();
  };
  return {"HRE_STATUS=" + line.status,
          "HRE_CHECKPOINT=" + line.path,
          "HRE_TRAINING=" + line.training,
          "HRE_STEP=" + (line.step ? step_text(*line.step) : ""),
          "HRE_VALUE=" + at("/value"),
          "HRE_CI_LOW=" + at("/ci95/0"),
          "HRE_CI_HIGH=" + at("/ci95/1"),
          "HRE_QUESTIONS=" + at("/questions"),
          "HRE_BEST=" + at("/best"),
          "HRE_SINCE_FIRST=" + at("/since_first/difference"),
          "HRE_SINCE_LAST=" + at("/since_last/difference"),
          "HRE_SINCE_BEST=" + at("/since_best/difference"),
          "HRE_GATE=" + at("/gate"),
          "HRE_RUN=" + line.run,
          "HRE_WHY=" + at("/why")};
}

}  // namespace hre::cli
