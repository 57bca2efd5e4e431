/// What turns a dataset and a scorer into a run: read it from evaluate() at the end.

#include "hre/evaluate.h"

#include <fmt/chrono.h>
#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <bit>
#include <chrono>
#include <cmath>
#include <numeric>
#include <random>
#include <thread>

#include "analysis/question_metrics.h"
#include "core/cores.h"
#include "core/text.h"
#include "eval/keeper.h"
#include "eval/prompt.h"
#include "eval/schedule.h"

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

/// Plans the questions at these places on several threads; a plan depends on its question alone. Errors come in
/// the order of the questions. Interrupted, it returns kInterrupted.
Status plan_all(const std::vector<size_t>& places, const std::vector<const Question*>& questions,
                const std::vector<ScoringRequest>& requests, std::vector<std::optional<QuestionPlan>>& plans,
                const Scorer& scorer, int n_threads, ProgressListener& progress, const std::stop_token& stop) {
  std::vector<std::optional<Error>> errors(places.size());
  std::atomic<size_t> next = 0, done = 0;
  const auto work = [&] {
    for (size_t i = next++; i < places.size() && !stop.stop_requested(); i = next++) {
      auto plan = scorer.plan(requests[places[i]]);
      if (plan) {
        plans[places[i]] = std::move(*plan);
      } else {
        errors[i] = plan.error();
        next = places.size();
      }
      ++done;
    }
  };
  const auto total = static_cast<int64_t>(places.size());
  progress.begin("tokenising", total, "questions", 0);
  {
    std::vector<std::jthread> threads;
    for (int i = 0; i < n_threads; ++i) threads.emplace_back(work);
    while (next < places.size() && !stop.stop_requested()) {
      progress.advance(static_cast<int64_t>(done), static_cast<double>(done));
      std::this_thread::sleep_for(std::chrono::milliseconds(20));
    }
  }
  progress.advance(static_cast<int64_t>(done), static_cast<double>(done));
  progress.end();
  if (stop.stop_requested()) return fail(ErrorCode::kInterrupted, "interrupted before the first question was scored");
  for (size_t i = 0; i < places.size(); ++i) {
    if (!errors[i]) continue;
    if (errors[i]->where.empty()) errors[i]->where = "question " + questions[places[i]]->id;
    return tl::unexpected<Error>(std::move(*errors[i]));
  }
  return {};
}

/// Answers without text have no score: the published one divides by their length.
std::string problem_of(const Question& question, const QuestionPlan& plan) {
  for (size_t i = 0; i < question.answers.size(); ++i) {
    if (question.answers[i].text.empty()) return fmt::format("answer {} is empty", i + 1);
  }
  return plan.skipped;
}

/// One answer as it was scored; see complete_question for what follows from it.
AnswerResult answer_result(const Answer& answer, const AnswerPlan& plan, AnswerScore score, bool keep_tokens) {
  AnswerResult result;
  result.votes = answer.votes;
  result.n_chars = count_code_points(answer.text) - plan.n_cut_chars;
  result.n_tokens = plan.targets.empty() ? score.n_tokens : static_cast<int>(plan.targets.size());
  result.n_truncated = plan.n_truncated;
  result.n_cut_chars = plan.n_cut_chars;
  result.sum_log_prob = std::accumulate(score.token_log_probs.begin(), score.token_log_probs.end(), 0.0);
  if (keep_tokens) {
    result.token_log_probs = std::move(score.token_log_probs);
    result.token_texts = std::move(score.token_texts);
  }
  return result;
}

QuestionResult unscored(const Question& question, std::string problem) {
  return {question.id, question.topic, {}, {}, std::move(problem)};
}

QuestionResult scored(const Question& question, const QuestionPlan& plan, QuestionScore score, const Run& run) {
  QuestionResult result = unscored(question, "");
  for (size_t i = 0; i < question.answers.size(); ++i) {
    result.answers.push_back(
        answer_result(question.answers[i], plan.answers[i], std::move(score.answers[i]), run.options.keep_tokens));
  }
  complete_question(result, run.model.normalise_by_characters);
  return result;
}

/// Stored answers, with the dataset's votes and lengths of today.
QuestionResult restored(const Question& question, const store::StoredScore& score, const Run& run) {
  QuestionResult result = unscored(question, "");
  for (size_t i = 0; i < question.answers.size(); ++i) {
    AnswerResult answer = score.answers[i];
    answer.votes = question.answers[i].votes;
    answer.n_chars = count_code_points(question.answers[i].text) - answer.n_cut_chars;
    if (!run.options.keep_tokens) store::forget_tokens(answer);
    result.answers.push_back(std::move(answer));
  }
  complete_question(result, run.model.normalise_by_characters);
  return result;
}

void note_problems(const std::vector<std::optional<QuestionResult>>& results, const std::string& model,
                   ProgressListener& progress) {
  int64_t n = 0;
  const QuestionResult* first = nullptr;
  for (const auto& result : results) {
    if (!result || result->problem.empty()) continue;
    if (n++ == 0) first = &*result;
  }
  if (n > 0) {
    progress.note(fmt::format("{}: {} question{} could not be scored and count as undefined; the first is {}: {}",
                              model, n, n == 1 ? "" : "s", first->id, first->problem));
  }
}

/// Nothing where both are equal to the last bit.
std::optional<Error> difference_of(const QuestionResult& stored, const QuestionResult& now) {
  for (size_t i = 0; i < now.answers.size(); ++i) {
    const AnswerResult &a = stored.answers[i], &b = now.answers[i];
    const bool equal = std::bit_cast<uint64_t>(a.sum_log_prob) == std::bit_cast<uint64_t>(b.sum_log_prob) &&
                       a.n_tokens == b.n_tokens && a.n_truncated == b.n_truncated && a.n_cut_chars == b.n_cut_chars;
    if (equal) continue;
    return Error{
        ErrorCode::kFailed,
        fmt::format("stored answers are wrong: answer {} has a log-likelihood of {:.17g} over {} tokens in the "
                    "store, and {:.17g} over {} now",
                    i + 1, a.sum_log_prob, a.n_tokens, b.sum_log_prob, b.n_tokens),
        "question " + now.id, "--no-cache scores all again and replaces them"};
  }
  return std::nullopt;
}

/// The state of one evaluation. A place is a question's index in the selection.
class Evaluation {
 public:
  Evaluation(const Dataset& dataset, Scorer& scorer, const EvalOptions& options, ProgressListener& progress,
             std::stop_token stop)
      : dataset_(dataset), scorer_(scorer), progress_(progress), stop_(std::move(stop)) {
    run_.model = scorer.describe();
    run_.dataset_name = dataset.name;
    run_.dataset_source = dataset.source;
    run_.dataset_fingerprint = dataset.fingerprint;
    run_.dataset_questions = static_cast<int64_t>(dataset.questions.size());
    run_.options = options;
    run_.created = utc_now();
  }

  Result<Run> run(const Keeping& keeping) {
    if (auto ok = select(); !ok) return forward(ok);
    auto keeper = Keeper::open(keeping, run_, progress_);
    if (!keeper) return forward(keeper);
    keeper_.emplace(std::move(*keeper));
    if (auto ok = reuse_and_plan(); !ok && !(ok.error().code == ErrorCode::kInterrupted && run_.times.reused > 0)) {
      return forward(ok);
    }
    if (auto ok = recheck(keeping.recheck); !ok) return forward(ok);
    score_all();
    return finish();
  }

 private:
  Status select() {
    auto prompt = PromptTemplate::parse(run_.options.prompt);
    if (!prompt) return forward(prompt);
    auto selected = select_questions(dataset_, run_.options);
    if (!selected) return forward(selected);
    selected_ = std::move(*selected);
    for (const size_t i : selected_) {
      questions_.push_back(&dataset_.questions[i]);
      requests_.push_back(prompt->render(dataset_.questions[i]));
    }
    run_.planned = static_cast<int64_t>(questions_.size());
    plans_.resize(questions_.size());
    results_.resize(questions_.size());
    return {};
  }

  /// What is stored first: its questions need no tokens, where those follow from the text.
  Status reuse_and_plan() {
    const auto start = SteadyClock::now();
    std::vector<size_t> places(questions_.size());
    std::iota(places.begin(), places.end(), size_t{0});
    if (!run_.model.tokens_follow_from_text) {
      if (auto ok = plan(places); !ok) return ok;
    }
    keeper_->know(requests_, plans_);
    stored_ = keeper_->find();
    std::vector<size_t> rest, untold;  // to be scored; without their tokens' texts
    for (const size_t place : places) {
      if (!stored_[place]) {
        rest.push_back(place);
        continue;
      }
      if (run_.options.keep_tokens && !stored_[place]->has_texts) untold.push_back(place);
      results_[place] = restored(*questions_[place], *stored_[place], run_);
      keeper_->keep_stored(place, *stored_[place], *results_[place]);
      ++run_.times.reused;
    }
    if (run_.model.tokens_follow_from_text) {
      std::vector<size_t> planned;
      std::ranges::merge(rest, untold, std::back_inserter(planned));
      if (auto ok = plan(planned); !ok) return ok;
    }
    for (const size_t place : untold) {
      if (add_token_texts(*results_[place], *plans_[place])) keeper_->keep(place, *results_[place]);
    }
    find_problems(rest);
    run_.times.plan_seconds = seconds_since(start);
    return {};
  }

  /// Asks the model for the texts of kept tokens that came without; whether it told any.
  bool add_token_texts(QuestionResult& result, const QuestionPlan& plan) {
    if (!run_.options.keep_tokens) return false;
    bool told = false;
    for (size_t a = 0; a < result.answers.size() && a < plan.answers.size(); ++a) {
      TokenTexts& texts = result.answers[a].token_texts;
      if (!texts.ends.empty()) continue;
      texts = scorer_.texts_of(plan.answers[a]);
      told |= !texts.ends.empty();
    }
    return told;
  }

  Status plan(const std::vector<size_t>& places) {
    if (places.empty()) return {};
    const int n_threads = run_.options.plan_threads > 0 ? run_.options.plan_threads : usable_cores();
    return plan_all(places, questions_, requests_, plans_, scorer_, n_threads, progress_, stop_);
  }

  void find_problems(const std::vector<size_t>& places) {
    for (const size_t place : places) {
      std::string problem = problem_of(*questions_[place], *plans_[place]);
      if (problem.empty()) continue;
      results_[place] = unscored(*questions_[place], std::move(problem));
      keeper_->keep(place, *results_[place]);
    }
  }

  /// Questions without a result, in the order of work: one of each topic in turn.
  [[nodiscard]] std::vector<size_t> pending() const {
    std::vector<size_t> places;
    for (const size_t place : interleave_topics(dataset_, selected_)) {
      if (!results_[place] && plans_[place]) places.push_back(place);
    }
    return places;
  }

  void score_all() {
    std::vector<size_t> remaining = pending();
    double positions = 0;
    for (const size_t place : remaining) positions += static_cast<double>(plans_[place]->positions());
    const auto start = SteadyClock::now();
    progress_.begin("scoring", static_cast<int64_t>(remaining.size()), "questions", positions);
    while (!remaining.empty() && !stop_.stop_requested() && !run_.failure) {
      KeeperTurn turn = keeper_->take_turn(remaining);
      for (const auto& [place, score] : turn.finished) take_over(place, score);
      if (!turn.mine.empty()) score_turn(turn.mine);
      remaining = std::move(turn.later);
    }
    progress_.end();
    run_.times.score_seconds = seconds_since(start);
  }

  void score_turn(const std::vector<size_t>& places) {
    std::vector<QuestionPlan> plans;
    for (const size_t place : places) plans.push_back(std::move(*plans_[place]));
    const auto start = SteadyClock::now();
    const auto sink = [&](size_t index, QuestionScore score) {
      const QuestionPlan& plan = plans[index];
      const size_t place = places[index];
      results_[place] = scored(*questions_[place], plan, std::move(score), run_);
      add_token_texts(*results_[place], plan);
      const auto before = SteadyClock::now();
      keeper_->keep(place, *results_[place]);
      run_.times.keep_seconds += seconds_since(before);
      run_.times.positions += plan.positions();
      run_.times.positions_unshared += plan.positions_unshared();
      done(plan.positions());
      return !stop_.stop_requested();
    };
    if (auto ok = scorer_.score(plans, sink, stop_); !ok) run_.failure = ok.error();
    keeper_->turn_took(places.size(), seconds_since(start));
  }

  /// A question that another process scored meanwhile.
  void take_over(size_t place, const store::StoredScore& score) {
    results_[place] = restored(*questions_[place], score, run_);
    add_token_texts(*results_[place], *plans_[place]);
    keeper_->keep_stored(place, score, *results_[place]);
    ++run_.times.reused;
    done(plans_[place]->positions());
  }

  void done(int64_t positions) {
    positions_done_ += static_cast<double>(positions);
    progress_.advance(++n_done_, positions_done_);
  }

  Result<Run> finish() {
    note_problems(results_, run_.model.name, progress_);
    for (auto& result : results_) {
      if (result) run_.questions.push_back(std::move(*result));
    }
    keeper_->finish();
    return std::move(run_);
  }

  Status recheck(double share);

  const Dataset& dataset_;
  Scorer& scorer_;
  ProgressListener& progress_;
  std::stop_token stop_;
  Run run_;
  std::optional<Keeper> keeper_;
  std::vector<size_t> selected_;
  std::vector<const Question*> questions_;
  std::vector<ScoringRequest> requests_;
  std::vector<std::optional<QuestionPlan>> plans_;
  std::vector<std::optional<QuestionResult>> results_;
  std::vector<std::optional<store::StoredScore>> stored_;
  int64_t n_done_ = 0;
  double positions_done_ = 0;
};

/// Scores a sample of the reused questions again; its answers must be equal to the last bit.
Status Evaluation::recheck(double share) {
  std::vector<size_t> places;
  for (size_t place = 0; place < stored_.size(); ++place) {
    if (stored_[place]) places.push_back(place);
  }
  const auto n = static_cast<size_t>(std::ceil(share * static_cast<double>(places.size())));
  if (n == 0 || stop_.stop_requested()) return {};
  std::shuffle(places.begin(), places.end(), std::mt19937_64(std::random_device()()));
  places.resize(n);
  if (run_.model.tokens_follow_from_text) {
    if (auto ok = plan(places); !ok) return ok;
  }
  std::vector<QuestionPlan> plans;
  for (const size_t place : places) plans.push_back(*plans_[place]);
  std::optional<Error> difference;
  progress_.begin("rechecking", static_cast<int64_t>(n), "questions", 0);
  const auto sink = [&](size_t index, QuestionScore score) {
    const size_t place = places[index];
    difference = difference_of(*results_[place], scored(*questions_[place], plans[index], std::move(score), run_));
    return !difference && !stop_.stop_requested();
  };
  auto scored_again = scorer_.score(plans, sink, stop_);
  progress_.end();
  if (!scored_again) return scored_again;
  if (difference) return tl::unexpected<Error>(std::move(*difference));
  if (!stop_.stop_requested()) {
    run_.explanation.push_back(fmt::format("{} of them scored again: equal to what is stored", n));
  }
  return {};
}

}  // namespace

Result<Run> evaluate(const Dataset& dataset, Scorer& scorer, const EvalOptions& options, ProgressListener& progress,
                     std::stop_token stop, const Keeping& keeping) {
  return Evaluation(dataset, scorer, options, progress, std::move(stop)).run(keeping);
}

}  // namespace hre
