/// What turns a dataset and a scorer into a run: read it from evaluate() at the end.

#include <fmt/chrono.h>
#include <fmt/format.h>

#include <atomic>
#include <chrono>
#include <cmath>
#include <numeric>
#include <thread>

#include "core/text.h"
#include "eval/prompt.h"
#include "eval/schedule.h"
#include "hre/run.h"
#include "stats/question_metrics.h"

namespace hre {
namespace {

using SteadyClock = std::chrono::steady_clock;

double seconds_since(SteadyClock::time_point start) {
  return std::chrono::duration<double>(SteadyClock::now() - start).count();
}

std::string utc_now() {
  const auto now = std::chrono::time_point_cast<std::chrono::seconds>(std::chrono::system_clock::now());
  return fmt::format("{:%Y-%m-%dT%H:%M:%SZ}", fmt::gmtime(std::chrono::system_clock::to_time_t(now)));
}

/// Plans questions on several threads; a plan depends on its question alone. Errors come in the
/// order of the questions. Interrupted, it returns kInterrupted.
Result<std::vector<QuestionPlan>> plan_all(const std::vector<const Question*>& questions, const PromptTemplate& prompt,
                                           const Scorer& scorer, int n_threads, ProgressListener& progress,
                                           const std::stop_token& stop) {
  std::vector<Result<QuestionPlan>> plans(questions.size(), QuestionPlan());
  std::atomic<size_t> next = 0, done = 0;
  const auto work = [&] {
    for (size_t i = next++; i < questions.size() && !stop.stop_requested(); i = next++) {
      plans[i] = scorer.plan(prompt.render(*questions[i]));
      if (!plans[i]) next = questions.size();
      ++done;
    }
  };
  const auto total = static_cast<int64_t>(questions.size());
  progress.begin("tokenising", total, "questions", 0);
  {
    std::vector<std::jthread> threads;
    for (int i = 0; i < n_threads; ++i) threads.emplace_back(work);
    while (next < questions.size() && !stop.stop_requested()) {
      progress.advance(static_cast<int64_t>(done), static_cast<double>(done));
      std::this_thread::sleep_for(std::chrono::milliseconds(20));
    }
  }
  progress.advance(static_cast<int64_t>(done), static_cast<double>(done));
  progress.end();
  if (stop.stop_requested()) return fail(ErrorCode::kInterrupted, "interrupted before the first question was scored");

  std::vector<QuestionPlan> all;
  all.reserve(plans.size());
  for (size_t i = 0; i < plans.size(); ++i) {
    if (!plans[i]) {
      Error error = plans[i].error();
      if (error.where.empty()) error.where = "question " + questions[i]->id;
      return tl::unexpected<Error>(std::move(error));
    }
    all.push_back(std::move(*plans[i]));
  }
  return all;
}

/// Answers without text have no score: the published one divides by their length.
std::string problem_of(const Question& question, const QuestionPlan& plan) {
  for (size_t i = 0; i < question.answers.size(); ++i) {
    if (question.answers[i].text.empty()) return fmt::format("answer {} is empty", i + 1);
  }
  return plan.skipped;
}

AnswerResult score_answer(const Answer& answer, const AnswerPlan& plan, AnswerScore score,
                          const ModelDescription& model, bool keep_tokens) {
  AnswerResult result;
  result.votes = answer.votes;
  result.n_chars = count_code_points(answer.text) - plan.n_cut_chars;
  result.n_tokens = static_cast<int>(plan.targets.size());
  result.n_truncated = plan.n_truncated;
  result.n_cut_chars = plan.n_cut_chars;
  result.sum_log_prob = std::accumulate(score.token_log_probs.begin(), score.token_log_probs.end(), 0.0);
  result.score = model.normalise_by_characters
                     ? result.sum_log_prob / static_cast<double>(std::max<int64_t>(1, result.n_chars))
                     : result.sum_log_prob;
  if (keep_tokens) result.token_log_probs = std::move(score.token_log_probs);
  return result;
}

QuestionResult unscored(const Question& question, std::string problem) {
  return {question.id, question.topic, {}, {}, std::move(problem)};
}

QuestionResult score_question(const Question& question, const QuestionPlan& plan, QuestionScore score,
                              const ModelDescription& model, bool keep_tokens) {
  QuestionResult result = unscored(question, "");
  for (size_t i = 0; i < question.answers.size(); ++i) {
    result.answers.push_back(
        score_answer(question.answers[i], plan.answers[i], std::move(score.answers[i]), model, keep_tokens));
    if (!std::isfinite(result.answers.back().score))
      result.problem = fmt::format("the log-likelihood of answer {} is not finite", i + 1);
  }
  if (result.problem.empty()) result.metrics = question_metrics(result.answers);
  return result;
}

/// The questions that can be scored, in the order of work: one of each topic in turn.
struct Work {
  std::vector<QuestionPlan> plans;
  std::vector<size_t> place;  // of each plan's question in the selection
  double positions = 0;
};

Work order_work(const Dataset& dataset, const std::vector<size_t>& selected, std::vector<QuestionPlan> plans,
                const std::vector<std::string>& problems) {
  Work work;
  for (const size_t i : interleave_topics(dataset, selected)) {
    if (!problems[i].empty()) continue;
    work.positions += static_cast<double>(plans[i].positions());
    work.plans.push_back(std::move(plans[i]));
    work.place.push_back(i);
  }
  return work;
}

void note_problems(const std::vector<std::optional<QuestionResult>>& results, ProgressListener& progress) {
  int64_t n = 0;
  const QuestionResult* first = nullptr;
  for (const auto& result : results) {
    if (!result || result->problem.empty()) continue;
    if (n++ == 0) first = &*result;
  }
  if (n > 0) {
    progress.note(fmt::format("{} question{} could not be scored and count as undefined; the first is {}: {}", n,
                              n == 1 ? "" : "s", first->id, first->problem));
  }
}

}  // namespace

Result<Run> evaluate(const Dataset& dataset, Scorer& scorer, const EvalOptions& options, ProgressListener& progress,
                     std::stop_token stop) {
  auto prompt = PromptTemplate::parse(options.prompt);
  if (!prompt) return forward(prompt);
  auto selected = select_questions(dataset, options);
  if (!selected) return forward(selected);
  std::vector<const Question*> questions;
  for (const size_t i : *selected) questions.push_back(&dataset.questions[i]);

  Run run{scorer.describe(),
          dataset.name,
          dataset.source,
          dataset.fingerprint,
          static_cast<int64_t>(dataset.questions.size()),
          options,
          {},
          static_cast<int64_t>(questions.size()),
          {},
          utc_now(),
          std::nullopt,
          std::nullopt};

  const auto plan_start = SteadyClock::now();
  const auto cores = static_cast<int>(std::max(1U, std::thread::hardware_concurrency()));
  auto plans =
      plan_all(questions, *prompt, scorer, options.plan_threads > 0 ? options.plan_threads : cores, progress, stop);
  if (!plans) return forward(plans);
  std::vector<std::string> problems;
  for (size_t i = 0; i < questions.size(); ++i) problems.push_back(problem_of(*questions[i], (*plans)[i]));
  const Work work = order_work(dataset, *selected, std::move(*plans), problems);
  run.times.plan_seconds = seconds_since(plan_start);

  std::vector<std::optional<QuestionResult>> results(questions.size());
  for (size_t i = 0; i < questions.size(); ++i) {
    if (!problems[i].empty()) results[i] = unscored(*questions[i], problems[i]);
  }

  const auto score_start = SteadyClock::now();
  progress.begin("scoring", static_cast<int64_t>(work.plans.size()), "questions", work.positions);
  int64_t done = 0;
  const auto sink = [&](size_t index, QuestionScore score) {
    const QuestionPlan& plan = work.plans[index];
    const size_t place = work.place[index];
    results[place] = score_question(*questions[place], plan, std::move(score), run.model, options.keep_tokens);
    run.times.positions += plan.positions();
    run.times.positions_unshared += plan.positions_unshared();
    progress.advance(++done, static_cast<double>(run.times.positions));
    return !stop.stop_requested();
  };
  auto scored = scorer.score(work.plans, sink, stop);
  progress.end();
  if (!scored) run.failure = scored.error();
  run.times.score_seconds = seconds_since(score_start);

  note_problems(results, progress);
  for (auto& result : results) {
    if (result) run.questions.push_back(std::move(*result));
  }
  return run;
}

}  // namespace hre
