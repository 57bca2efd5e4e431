#include "analysis/scores.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <set>

#include "analysis/comparison.h"
#include "analysis/question_metrics.h"
#include "analysis/shared_questions.h"
#include "core/visible.h"

namespace hre {
namespace {

bool has_sizes(const QuestionResult& question, ScoreKind kind) {
  return std::ranges::all_of(question.answers, [&](const AnswerResult& a) { return score_size(a, kind).has_value(); });
}

/// A question by another score. One that was scored can have a problem only because of its scores.
void rescore(ScoreKind kind, bool normalise, QuestionResult& question) {
  if (question.answers.empty()) return;
  question.problem.clear();
  question.metrics = {};
  complete_question(question, normalise, kind);
}

}  // namespace

std::optional<double> score_size(const AnswerResult& answer, ScoreKind kind) {
  const auto known = [](int64_t size) { return size > 0 ? std::optional(static_cast<double>(size)) : std::nullopt; };
  switch (kind) {
    case ScoreKind::kPerChar:
      return static_cast<double>(std::max<int64_t>(1, answer.n_chars));
    case ScoreKind::kPerToken:
      return known(answer.n_tokens);
    case ScoreKind::kPerByte:
      return known(answer.n_bytes);
    case ScoreKind::kSum:
      break;
  }
  return 1;
}

std::string score_formula(const Run& run) {
  if (!run.model.normalise_by_characters) return "sum_log_prob";
  std::string value = run.reference ? "sum_log_prob - reference_log_prob" : "sum_log_prob";
  if (run.score == ScoreKind::kSum) return value;
  if (run.reference) value = "(" + value + ")";
  constexpr Named<ScoreKind> kFields[] = {
      {"n_chars", ScoreKind::kPerChar}, {"n_tokens", ScoreKind::kPerToken}, {"n_bytes", ScoreKind::kPerByte}};
  return value + " / " + name_of(kFields, run.score);
}

std::string derived_score(const Run& run) {
  return run.score == ScoreKind::kPerChar && !run.reference ? "" : score_formula(run);
}

std::string benchmark_name(std::span<const Run* const> runs) {
  if (!runs.front()->item_metric.empty()) return visible_line(runs.front()->item_metric);
  std::set<std::string> scores;
  for (const Run* run : runs) {
    if (run->model.normalise_by_characters) scores.insert(derived_score(*run));
  }
  if (scores.size() > 1) return "HumanRankEval by different scores";
  return scores.empty() || scores.begin()->empty() ? "HumanRankEval" : "HumanRankEval by " + *scores.begin();
}

Status choose_score(ScoreKind kind, Run& run) {
  if (!run.item_metric.empty() && kind != run.score) {
    return input_error("a log of another harness has no answers' log-likelihoods", "‹score›");
  }
  if (!run.model.normalise_by_characters || kind == run.score) return {};
  const auto scored = [](const QuestionResult& question) { return !question.answers.empty(); };
  const bool any = std::ranges::any_of(run.questions, scored);
  if (any && std::ranges::none_of(run.questions, [&](const QuestionResult& question) {
        return scored(question) && has_sizes(question, kind);
      })) {
    return kind == ScoreKind::kPerToken
               ? input_error("there is no score per token: " + run.model.name + " has no tokens", "‹score›")
               : input_error("there is no score per byte: the run of " + run.model.name +
                                 " does not say how many bytes its answers have",
                             "‹score›", "the same evaluation again adds them, and scores nothing again");
  }
  run.score = kind;
  for (QuestionResult& question : run.questions) rescore(kind, true, question);
  return {};
}

std::string prompt_without_question(const std::string& prompt) {
  constexpr std::string_view kName = "{question}";
  std::string rest = prompt;
  for (size_t at = rest.find(kName); at != std::string::npos; at = rest.find(kName, at)) rest.erase(at, kName.size());
  return rest;
}

Status refer_to(const Run& reference, bool allow_different, Run& run) {
  for (const Run* one : {&reference, static_cast<const Run*>(&run)}) {
    if (one->model.normalise_by_characters) continue;
    return input_error("the values of " + one->model.name + " are no log-likelihoods", "‹reference›");
  }
  const Run* const both[] = {&run, &reference};
  const bool without_question = reference.options.prompt == prompt_without_question(run.options.prompt);
  std::vector<RunDifference> differences = run_differences(both);
  std::erase_if(differences, [&](const RunDifference& d) {  // views, and what is meant to differ
    return d.what == "score" || d.what == "reference" || d.what == "undefined" ||
           (d.what == "prompt" && without_question);
  });
  if (!differences.empty() && !allow_different) return tl::unexpected<Error>(differences_error(differences));
  std::map<std::pair<std::string, std::string>, const QuestionResult*> known;
  for (const QuestionResult& question : reference.questions) known[{question.topic, question.id}] = &question;
  const auto found_for = [&](const QuestionResult& question) -> const QuestionResult* {
    const auto found = known.find({question.topic, question.id});
    if (found == known.end() || found->second->answers.empty()) return nullptr;
    return same_answers(question, *found->second) ? found->second : nullptr;
  };
  if (std::ranges::none_of(run.questions, [&](const QuestionResult& question) {
        return !question.answers.empty() && found_for(question) != nullptr;
      })) {
    return input_error("the reference, " + reference.model.name + ", shares no question with " + run.model.name,
                       "‹reference›", "was it made from the same dataset?");
  }
  run.reference = {reference.model.name, reference.model.source, reference.model.fingerprint, reference.options.prompt};
  for (QuestionResult& question : run.questions) {
    const QuestionResult* other = found_for(question);
    for (size_t i = 0; i < question.answers.size(); ++i) {
      question.answers[i].reference_log_prob = other == nullptr ? std::nan("") : other->answers[i].sum_log_prob;
    }
    rescore(run.score, true, question);
  }
  return {};
}

Run published_view(const Run& run) {
  Run published = run;
  if (!run.reference && run.score == ScoreKind::kPerChar) return published;
  published.reference.reset();
  published.score = ScoreKind::kPerChar;
  for (QuestionResult& question : published.questions) {
    for (AnswerResult& answer : question.answers) answer.reference_log_prob.reset();
    rescore(ScoreKind::kPerChar, run.model.normalise_by_characters, question);
  }
  return published;
}

std::vector<ScoreSummary> score_table(const Run& run) {
  std::vector<ScoreSummary> table;
  if (!run.model.normalise_by_characters || !run.item_metric.empty()) return table;
  std::vector<QuestionResult> questions;
  for (const QuestionResult& question : run.questions) {
    QuestionResult& copy = questions.emplace_back();
    copy.id = question.id;
    copy.topic = question.topic;
    for (const AnswerResult& answer : question.answers) {
      AnswerResult& bare = copy.answers.emplace_back();  // without its tokens
      bare.votes = answer.votes;
      bare.n_chars = answer.n_chars;
      bare.n_bytes = answer.n_bytes;
      bare.n_tokens = answer.n_tokens;
      bare.n_cut_chars = answer.n_cut_chars;
      bare.sum_log_prob = answer.sum_log_prob;
      bare.reference_log_prob = answer.reference_log_prob;
    }
  }
  for (const auto& [name, kind] : kScoreKinds) {
    for (QuestionResult& question : questions) rescore(kind, true, question);
    const Summary summary = summarize(questions, {.undefined = run.options.undefined, .draws = 0});
    table.push_back({kind, summary.micro.pearson, summary.micro.pairwise_accuracy, summary.micro_length});
  }
  return table;
}

}  // namespace hre
