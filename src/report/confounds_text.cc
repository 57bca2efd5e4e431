#include "report/confounds_text.h"

#include <fmt/format.h>

#include <algorithm>

#include "analysis/scores.h"
#include "core/text.h"
#include "core/visible.h"
#include "report/json_numbers.h"
#include "report/number_text.h"
#include "report/run_table.h"
#include "report/text_table.h"

namespace hre {
namespace {

Json of_covariate(const CovariateSummary& covariate) {
  const ValueParts& parts = covariate.parts;
  Json json = {{"name", covariate.name},
               {"questions", covariate.questions},
               {"votes", json_estimate(covariate.votes)},
               {"scores", json_estimate(covariate.scores)}};
  json.update(json_parts(parts));
  json["share"] = nullptr;
  if (parts.share) json["share"] = {{"share", *parts.share}, {"ci95", json_interval(parts.share_interval)}};
  return json;
}

/// Of too few questions for an interval, nothing is known.
Json of_ceiling(const RunCeiling& ceiling) {
  const bool shown = ceiling.ceiling.interval.has_value();
  const auto if_shown = [&](const std::optional<double>& value) { return json_number(shown ? value : std::nullopt); };
  return {{"questions", ceiling.ceiling.questions},
          {"mean_r", if_shown(ceiling.ceiling.mean)},
          {"ci95", json_interval(ceiling.ceiling.interval)},
          {"reliability", if_shown(ceiling.ceiling.reliability)},
          {"votes", ceiling.counted ? "counted" : "differences"},
          {"value", json_number(ceiling.value.mean)},
          {"share", if_shown(ceiling.share())},
          {"share95", json_interval(ceiling.share_interval())}};
}

/// How far votes are people's judgement and not chance.
std::string ceiling_text(const RunCeiling& ceiling) {
  if (!ceiling.ceiling.interval) {
    return fmt::format("\nCeiling: not shown; it needs {} questions whose votes differ, and these are {}.\n",
                       kFewestForCeiling, ceiling.ceiling.questions);
  }
  std::string text = fmt::format(
      "\nCeiling: scores equal to each answer's expected votes would have a mean r of {} over {} questions "
      "(if people vote independently; {}).",
      with_interval(ceiling.ceiling.mean, ceiling.ceiling.interval), ceiling.ceiling.questions,
      ceiling.counted
          ? "estimated from votes for and against"
          : "estimated with as few votes as their differences allow, so the true ceiling is probably lower");
  const auto percent = [](double value) { return 100 * value; };
  text += fmt::format(" {:.0f} % of the votes' variance within questions is not due to chance.",
                      percent(ceiling.ceiling.reliability.value_or(0)));
  if (ceiling.share()) {
    const auto interval = ceiling.share_interval();
    text +=
        fmt::format(" The value over these questions, {}, is {:.0f} % of the ceiling{}.", with_error(ceiling.value),
                    percent(*ceiling.share()),
                    interval ? fmt::format(" [{:.0f}, {:.0f}]", percent(interval->low), percent(interval->high)) : "");
  }
  return text + '\n';
}

/// Pairs by which of their answers was posted first.
std::string dated_text(const RunConfounds& confounds) {
  const Estimate &later = confounds.later_wins, &earlier = confounds.earlier_wins;
  if (!later.mean && !earlier.mean) return "";
  return fmt::format(
      "\nPairs in people's order, by date: {} of those whose later answer has more votes ({} questions), {} of those "
      "whose earlier one has ({} questions); chance 50 % of both. Age alone would give 0 % of one and 100 % of the "
      "other.\n",
      percent_with_error(later), later.n, percent_with_error(earlier), earlier.n);
}

Json of_difference(const Estimate& difference) {
  const bool shown = difference.ci_low && difference.ci_high;
  return {
      {"difference", json_number(difference.mean)},
      {"ci95", json_interval(shown ? std::optional(Interval{*difference.ci_low, *difference.ci_high}) : std::nullopt)}};
}

Json of_older(const DatasetDifference& older) {
  Json json = {{"newer", older.newer}, {"older", older.older}, {"topics", Json::array()}};
  for (const TopicDifference& topic : older.topics) {
    Json one = {{"topic", topic.topic}, {"newer", json_estimate(topic.newer)}, {"older", json_estimate(topic.older)}};
    one.update(of_difference(topic.difference));
    json["topics"].push_back(std::move(one));
  }
  json["mean"] = of_difference(older.mean);
  json["other_topics"] = older.other_topics;
  return json;
}

/// By topic, the value on newer questions against that on older ones.
std::string older_text(const DatasetDifference& older, int width) {
  TextTable table({"topic", older.newer, older.older, "difference"});
  for (const TopicDifference& topic : older.topics) {
    table.add_row({topic.topic, with_error(topic.newer), with_error(topic.older), with_error(topic.difference)});
  }
  table.add_rule();
  table.add_row({"mean of topics", "", "", with_error(older.mean)});
  std::string text = "\n" + table.render(width) + "\nA difference is the value on " + visible_line(older.newer) +
                     " less that on " + visible_line(older.older) + ".";
  if (older.other_topics > 0) {
    text += fmt::format(" {} {} left out, with fewer than two questions in one of the sets.",
                        counted(older.other_topics, "topic"), older.other_topics == 1 ? "is" : "are");
  }
  return text +
         " The questions differ, so a difference may be the sets' own: compare it with that of a model that can know "
         "neither of them, or both.\n";
}

Json of_run(const Run& run, const RunConfounds& confounds) {
  Json json = {{"model", run.model.name}, {"source", run.model.source}, {"score", score_formula(run)}};
  json["notes"] = confounds.notes;
  json["covariates"] = Json::array();
  for (const CovariateSummary& covariate : confounds.covariates) json["covariates"].push_back(of_covariate(covariate));
  json["ceiling"] = confounds.ceiling ? of_ceiling(*confounds.ceiling) : Json();
  json["log_votes"] = json_estimate(confounds.log_votes);
  json["ranked_votes"] = json_estimate(confounds.ranked_votes);
  json["later_wins"] = json_estimate(confounds.later_wins);
  json["earlier_wins"] = json_estimate(confounds.earlier_wins);
  json["scores"] = json_scores(confounds.scores);
  json["min_k"] = Json::array();
  for (const YearHint& year : confounds.years) {
    json["min_k"].push_back({{"year", year.year}, {"value", json_estimate(year.min_k)}});
  }
  if (confounds.older) json["older"] = of_older(*confounds.older);
  return json;
}

}  // namespace

std::string confounds_text(const Run& run, const RunConfounds& confounds, int width) {
  TextTable table(
      {"covariate", "questions", "r with votes", "r with scores", "value", "through covariate", "beyond covariate"});
  table.can_spare({"questions"});
  for (const CovariateSummary& c : confounds.covariates) {
    table.add_row({c.name, std::to_string(c.questions), with_error(c.votes), with_error(c.scores),
                   with_error(c.parts.value), with_error(c.parts.through), with_error(c.parts.beyond)});
  }
  std::string text;
  for (const std::string& note : confounds.notes) text += visible_line(note) + '\n';
  text += visible_line(run.model.name) + ": value = through covariate + beyond covariate\n\n" + table.render(width);
  if (confounds.log_votes.mean && confounds.ranked_votes.mean) {
    text += fmt::format("\nThe value is {} of log votes and {} of ranked votes, in which few large votes weigh less.\n",
                        with_error(confounds.log_votes), with_error(confounds.ranked_votes));
  }
  if (!confounds.scores.empty()) text += '\n' + scores_table(confounds.scores, width);
  if (confounds.ceiling) text += ceiling_text(*confounds.ceiling);
  text += dated_text(confounds);
  if (confounds.older) text += older_text(*confounds.older, width);
  if (confounds.covariates.size() < 2) {
    text += "\nDelay and position: not available, because the dataset's metadata has no dates of answers.\n";
  }
  if (confounds.years.empty()) {
    text +=
        "\nMin-K% by year: not available; it needs a run that kept its tokens, and dates in the dataset's metadata.\n";
    return wrapped(text, width);
  }
  TextTable years({"year", "questions", "Min-K%"});
  for (const YearHint& year : confounds.years) {
    years.add_row({std::to_string(year.year), std::to_string(year.min_k.n), with_error(year.min_k)});
  }
  text +=
      "\n" + years.render(width) +
      "\nMin-K% is the mean log-probability of the least likely tokens, in nats. Higher values for some years are a "
      "hint that training has seen them, not a proof.\n";
  return wrapped(text, width);
}

std::string confounds_json(const std::vector<Run>& runs, const std::vector<RunConfounds>& confounds, double share) {
  Json json = {{"format", "hre-confounds/1"}, {"config", {{"min_k_share", share}}}};
  json["runs"] = Json::array();
  for (size_t i = 0; i < runs.size(); ++i) json["runs"].push_back(of_run(runs[i], confounds[i]));
  return json_text(json);
}

}  // namespace hre
