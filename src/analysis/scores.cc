#include "analysis/scores.h"

#include <algorithm>

#include "analysis/question_metrics.h"

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
  switch (run.score) {
    case ScoreKind::kPerChar:
      return "sum_log_prob / n_chars";
    case ScoreKind::kPerToken:
      return "sum_log_prob / n_tokens";
    case ScoreKind::kPerByte:
      return "sum_log_prob / n_bytes";
    case ScoreKind::kSum:
      break;
  }
  return "sum_log_prob";
}

Status choose_score(ScoreKind kind, Run& run) {
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

std::vector<ScoreSummary> score_table(const Run& run) {
  std::vector<ScoreSummary> table;
  if (!run.model.normalise_by_characters) return table;
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
