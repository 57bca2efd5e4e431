#include "eval/evaluation.h"

#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <bit>
#include <chrono>
#include <cmath>
#include <deque>
#include <functional>
#include <map>
#include <numeric>
#include <random>
#include <thread>

#include "analysis/question_metrics.h"
#include "core/cores.h"
#include "core/dates.h"
#include "core/question_name.h"
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
    if (errors[i]->where.empty()) {
      errors[i]->where = "question " + question_name(questions[places[i]]->topic, questions[places[i]]->id);
    }
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

/// Votes and lengths of an answer of which so many characters were cut off.
void describe_answer(const Answer& answer, int n_cut_chars, AnswerResult& result) {
  result.votes = answer.votes;
  result.posted = answer.posted;
  result.n_cut_chars = n_cut_chars;
  result.n_chars = count_code_points(answer.text) - n_cut_chars;
  result.n_bytes = static_cast<int64_t>(first_code_points(answer.text, result.n_chars).size());
}

/// One answer as it was scored; see complete_question for what follows from it.
AnswerResult answer_result(const Answer& answer, const AnswerPlan& plan, AnswerScore score, bool keep_tokens) {
  AnswerResult result;
  describe_answer(answer, plan.n_cut_chars, result);
  result.n_tokens = plan.targets.empty() ? score.n_tokens : static_cast<int>(plan.targets.size());
  result.n_truncated = plan.n_truncated;
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
    describe_answer(question.answers[i], answer.n_cut_chars, answer);
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
    progress.note(fmt::format("{}: {} could not be scored and {} as undefined; the first is {}: {}", model,
                              counted(n, "question"), n == 1 ? "counts" : "count",
                              question_name(first->topic, first->id), first->problem));
  }
}

/// Whether two scorings of an answer agree: to the last bit, unless the model allows a difference.
bool agree(const AnswerResult& a, const AnswerResult& b, const Scorer& scorer) {
  if (a.n_tokens != b.n_tokens || a.n_truncated != b.n_truncated || a.n_cut_chars != b.n_cut_chars) return false;
  if (std::bit_cast<uint64_t>(a.sum_log_prob) == std::bit_cast<uint64_t>(b.sum_log_prob)) return true;
  const auto tolerance = scorer.repeat_tolerance(a.n_tokens);
  return tolerance && std::abs(a.sum_log_prob - b.sum_log_prob) <= *tolerance;
}

/// Nothing where both agree.
std::optional<Error> difference_of(const QuestionResult& stored, const QuestionResult& now, const Scorer& scorer) {
  for (size_t i = 0; i < now.answers.size(); ++i) {
    const AnswerResult &a = stored.answers[i], &b = now.answers[i];
    if (agree(a, b, scorer)) continue;
    return Error{
        ErrorCode::kFailed,
        fmt::format("stored answers are wrong: answer {} has a log-likelihood of {:.17g} over {} tokens in the "
                    "store, and {:.17g} over {} now",
                    i + 1, a.sum_log_prob, a.n_tokens, b.sum_log_prob, b.n_tokens),
        "question " + question_name(now.topic, now.id), "‹no_cache› scores all again and replaces them"};
  }
  return std::nullopt;
}

constexpr std::chrono::milliseconds kLookAgain{250};

}  // namespace

struct Evaluation::State final : PlanSource {
  State(const Dataset& data, Scorer& model, const EvalOptions& options, ProgressListener& listener,
        std::stop_token asked_to_stop)
      : dataset(data), scorer(model), progress(listener), stop(std::move(asked_to_stop)) {
    run.model = scorer.describe();
    run.dataset_name = dataset.name;
    run.dataset_source = dataset.source;
    run.dataset_fingerprint = dataset.fingerprint;
    run.dataset_questions = static_cast<int64_t>(dataset.questions.size());
    run.options = options;
    run.created = utc_now();
  }

  Status select() {
    auto prompt = PromptTemplate::parse(run.options.prompt);
    if (!prompt) return forward(prompt);
    auto chosen = select_questions(dataset, run.options);
    if (!chosen) return forward(chosen);
    selected = std::move(*chosen);
    for (const size_t i : selected) {
      questions.push_back(&dataset.questions[i]);
      requests.push_back(prompt->render(dataset.questions[i]));
    }
    run.planned = static_cast<int64_t>(questions.size());
    plans_by_place.resize(questions.size());
    results.resize(questions.size());
    reused.resize(questions.size());
    return {};
  }

  /// What is stored first: its questions need no tokens, where those follow from the text. Gives the places of what was
  /// reused, and leaves plans of the rest.
  Result<std::vector<size_t>> reuse_and_plan(const std::vector<size_t>& places) {
    const auto start = SteadyClock::now();
    if (!run.model.tokens_follow_from_text) {
      if (auto ok = plan(places); !ok) return forward(ok);
    }
    const auto stored = keeper->find(places, requests, plans_by_place);
    std::vector<size_t> found, rest, untold;  // untold: without their tokens' texts
    for (size_t i = 0; i < places.size(); ++i) {
      const size_t place = places[i];
      if (!stored[i]) {
        rest.push_back(place);
        continue;
      }
      found.push_back(place);
      if (run.options.keep_tokens && !stored[i]->has_texts) untold.push_back(place);
      results[place] = restored(*questions[place], *stored[i], run);
      keeper->keep_stored(place, *stored[i], *results[place]);
      reused[place] = true;
    }
    if (run.model.tokens_follow_from_text) {
      std::vector<size_t> planned = rest;
      planned.insert(planned.end(), untold.begin(), untold.end());
      std::sort(planned.begin(), planned.end());
      if (auto ok = plan(planned); !ok && !(ok.error().code == ErrorCode::kInterrupted && !found.empty())) {
        return forward(ok);
      }
    }
    for (const size_t place : untold) {
      if (plans_by_place[place] && add_token_texts(*results[place], *plans_by_place[place])) {
        keeper->keep(place, *results[place]);
      }
    }
    for (const size_t place : rest) {
      if (!plans_by_place[place]) continue;
      std::string problem = problem_of(*questions[place], *plans_by_place[place]);
      if (problem.empty()) continue;
      results[place] = unscored(*questions[place], std::move(problem));
      keeper->keep(place, *results[place]);
    }
    run.times.plan_seconds += seconds_since(start);
    return found;
  }

  /// Asks the model for the texts of kept tokens that came without; whether it told any.
  bool add_token_texts(QuestionResult& result, const QuestionPlan& plan) {
    if (!run.options.keep_tokens) return false;
    bool told = false;
    for (size_t a = 0; a < result.answers.size() && a < plan.answers.size(); ++a) {
      TokenTexts& texts = result.answers[a].token_texts;
      if (!texts.ends.empty()) continue;
      texts = scorer.texts_of(plan.answers[a]);
      told |= !texts.ends.empty();
    }
    return told;
  }

  Status plan(const std::vector<size_t>& places) {
    if (places.empty()) return {};
    return plan(places, plans_by_place);
  }

  Status plan(const std::vector<size_t>& places, std::vector<std::optional<QuestionPlan>>& into) {
    const int n_threads = run.options.plan_threads > 0 ? run.options.plan_threads : usable_cores();
    return plan_all(places, questions, requests, into, scorer, n_threads, progress, stop);
  }

  /// Scores a sample of the reused questions again; its answers must agree with the stored ones.
  Status recheck(std::vector<size_t> places) {
    const auto n = static_cast<size_t>(std::ceil(recheck_share * static_cast<double>(places.size())));
    if (n == 0 || stop.stop_requested()) return {};
    std::shuffle(places.begin(), places.end(), std::mt19937_64(std::random_device()()));
    places.resize(n);
    if (run.model.tokens_follow_from_text) {
      if (auto ok = plan(places); !ok) return ok;
    }
    std::vector<QuestionPlan> again;
    for (const size_t place : places) again.push_back(*plans_by_place[place]);
    std::optional<Error> difference;
    progress.begin("rechecking", static_cast<int64_t>(n), "questions", 0);
    const auto sink = [&](size_t index, QuestionScore score) {
      const Question& question = *questions[places[index]];
      if (score.problem.empty()) {
        difference =
            difference_of(*results[places[index]], scored(question, again[index], std::move(score), run), scorer);
      } else {
        difference = Error{ErrorCode::kFailed, "stored answers could not be checked: " + score.problem,
                           "question " + question_name(question.topic, question.id), ""};
      }
      return !difference && !stop.stop_requested();
    };
    auto scored_again = score_all(scorer, again, sink, stop);
    progress.end();
    if (!scored_again) return scored_again;
    if (difference) return tl::unexpected<Error>(std::move(*difference));
    if (!stop.stop_requested()) {
      run.explanation.push_back(fmt::format("{} of them scored again: equal to the stored answers", n));
    }
    return {};
  }

  /// A fiftieth of the questions that have answers, but 8 to 64.
  std::vector<size_t> sample_of_answered() const {
    std::vector<size_t> places;
    for (size_t place = 0; place < results.size(); ++place) {
      if (results[place] && !results[place]->answers.empty()) places.push_back(place);
    }
    std::shuffle(places.begin(), places.end(), std::mt19937_64(std::random_device()()));
    constexpr size_t kFewest = 8, kMost = 64, kOneIn = 50;
    places.resize(std::min(places.size(), std::clamp(places.size() / kOneIn, kFewest, kMost)));
    return places;
  }

  static Error order_matters(const Question& question, size_t answer, const AnswerResult& first,
                             const AnswerResult& second) {
    return {ErrorCode::kFailed,
            fmt::format("the server's values depend on the order of requests: answer {} had a log-likelihood of {:.6g} "
                        "over {} tokens, and {:.6g} over {} when it was asked for again; no answers are kept",
                        answer + 1, first.sum_log_prob, first.n_tokens, second.sum_log_prob, second.n_tokens),
            "question " + question_name(question.topic, question.id),
            "start the server without prefix caching, or use another version of it"};
  }

  /// Where values may depend on what else a server computes: asks for a sample of the questions again, in another order
  /// and with their answers in reverse. A failed request is only noted; a difference is the error.
  Status check_order() {
    bool any_new = false;
    for (size_t place = 0; place < results.size(); ++place) any_new = any_new || (results[place] && !reused[place]);
    if (!checks_order || !scorer.repeat_tolerance(1) || !any_new || run.failure || stop.stop_requested()) return {};
    const std::vector<size_t> places = sample_of_answered();
    std::vector<std::optional<QuestionPlan>> planned(results.size());
    const auto unchecked = [&](const std::string& why) {
      progress.note("whether values depend on the order of requests could not be checked: " + why);
    };
    if (auto ok = plan(places, planned); !ok) {
      if (!stop.stop_requested()) unchecked(ok.error().text());
      return {};
    }
    std::vector<QuestionPlan> again;
    for (const size_t place : places) {
      again.push_back(std::move(*planned[place]));
      std::ranges::reverse(again.back().answers);
      std::ranges::reverse(again.back().text.continuations);
    }
    std::optional<Error> difference;
    std::string problem;
    double largest = 0;
    progress.begin("checking", static_cast<int64_t>(places.size()), "questions", 0);
    const auto sink = [&](size_t index, QuestionScore score) {
      const Question& question = *questions[places[index]];
      if (!score.problem.empty()) {
        problem = score.problem;
        return true;
      }
      std::ranges::reverse(score.answers);
      std::ranges::reverse(again[index].answers);
      const QuestionResult now = scored(question, again[index], std::move(score), run);
      for (size_t a = 0; a < now.answers.size() && !difference; ++a) {
        const AnswerResult &first = results[places[index]]->answers[a], &second = now.answers[a];
        if (std::isfinite(first.sum_log_prob - second.sum_log_prob)) {
          largest = std::max(largest, std::abs(first.sum_log_prob - second.sum_log_prob));
        }
        if (!agree(first, second, scorer)) difference = order_matters(question, a, first, second);
      }
      return !difference && !stop.stop_requested();
    };
    const auto scored_again = score_all(scorer, again, sink, stop);
    progress.end();
    if (difference) return tl::unexpected<Error>(std::move(*difference));
    if (stop.stop_requested()) return {};
    if (!scored_again) problem = scored_again.error().text();
    if (!problem.empty()) {
      unchecked(problem);
    } else {
      run.explanation.push_back(fmt::format("{} asked again in another order: answers differ by at most {:.2g} nats",
                                            counted(static_cast<int64_t>(places.size()), "question"), largest));
    }
    return {};
  }

  void score(const std::vector<size_t>& wanted) {
    plans_.clear();
    places_.clear();
    for (const size_t place : wanted) {
      if (results[place] || !plans_by_place[place]) continue;
      places_.push_back(place);
      plans_.push_back(std::move(*plans_by_place[place]));
      plans_by_place[place].reset();
    }
    asked_.resize(places_.size());
    std::iota(asked_.begin(), asked_.end(), size_t{0});
    if (by_length) {
      std::ranges::stable_sort(asked_, std::greater<>(), [&](size_t index) { return plans_[index].positions(); });
    }
    at_ = 0;
    claimed_.clear();
    theirs_.clear();
    index_of_.clear();
    for (size_t index = 0; index < places_.size(); ++index) index_of_[places_[index]] = index;
    double positions = 0;
    for (const QuestionPlan& plan : plans_) positions += static_cast<double>(plan.positions());
    n_done_ = 0;
    positions_done_ = 0;
    const auto start = SteadyClock::now();
    progress.begin("scoring", static_cast<int64_t>(places_.size()), "questions", positions);
    watch_results();
    const auto sink = [&](size_t index, QuestionScore score) {
      const QuestionPlan& plan = plans_[index];
      const size_t place = places_[index];
      results[place] = score.problem.empty() ? scored(*questions[place], plan, std::move(score), run)
                                             : unscored(*questions[place], std::move(score.problem));
      add_token_texts(*results[place], plan);
      const auto before = SteadyClock::now();
      keeper->keep(place, *results[place]);
      run.times.keep_seconds += seconds_since(before);
      run.times.positions += plan.positions();
      run.times.positions_unshared += plan.positions_unshared();
      done(plan.positions());
      return !enough && !stop.stop_requested();
    };
    if (!enough) {
      if (auto ok = scorer.score(*this, sink, stop); !ok) run.failure = ok.error();
    }
    progress.end();
    run.times.score_seconds += seconds_since(start);
  }

  // What the scorer takes its work from.

  [[nodiscard]] std::span<const QuestionPlan> plans() const override { return plans_; }

  /// Questions are claimed in the store as the scorer comes to need them, a second's worth at once.
  NextPlan next() override {
    while (!enough && !stop.stop_requested()) {
      if (!claimed_.empty()) {
        const size_t index = claimed_.front();
        claimed_.pop_front();
        return {NextPlan::Kind::kQuestion, index};
      }
      if (at_ == asked_.size() && theirs_.empty()) return {};
      if (at_ == asked_.size()) {
        if (SteadyClock::now() - looked_ < kLookAgain) return {NextPlan::Kind::kLater, 0};
        asked_ = std::exchange(theirs_, {});
        at_ = 0;
      }
      claim_more();
    }
    return {};
  }

  void claim_more() {
    const auto now = SteadyClock::now();
    constexpr size_t kMostAtOnce = 256;
    if (now - claimed_at_ < std::chrono::seconds(1)) at_once_ = std::min(2 * at_once_, kMostAtOnce);
    if (now - claimed_at_ > std::chrono::seconds(4)) at_once_ = std::max<size_t>(at_once_ / 4, 1);
    claimed_at_ = now;
    std::vector<size_t> places;
    for (; at_ < asked_.size() && places.size() < at_once_; ++at_) places.push_back(places_[asked_[at_]]);
    Claims claims = keeper->claim(places);
    for (const size_t place : claims.mine) claimed_.push_back(index_of_.at(place));
    for (const size_t place : claims.theirs) theirs_.push_back(index_of_.at(place));
    for (const auto& [place, score] : claims.finished) take_over(place, score);
    if (at_ == asked_.size()) looked_ = now;
  }

  /// A question that another process scored meanwhile.
  void take_over(size_t place, const store::StoredScore& score) {
    const QuestionPlan& plan = plans_[index_of_.at(place)];
    results[place] = restored(*questions[place], score, run);
    add_token_texts(*results[place], plan);
    keeper->keep_stored(place, score, *results[place]);
    reused[place] = true;
    done(plan.positions());
  }

  void done(int64_t positions) {
    positions_done_ += static_cast<double>(positions);
    progress.advance(++n_done_, positions_done_);
    watch_results();
  }

  void watch_results() {
    for (; watch && !enough && n_watched < order.size() && results[order[n_watched]]; ++n_watched) {
      enough = !watch(n_watched, *results[order[n_watched]]);
    }
  }

  const Dataset& dataset;
  Scorer& scorer;
  ProgressListener& progress;
  std::stop_token stop;
  double recheck_share = 0;
  bool checks_order = true;
  bool by_length = false;
  Run run;
  std::optional<Keeper> keeper;
  std::vector<size_t> selected;  // into the dataset
  std::vector<size_t> order;     // of work: places
  size_t n_advanced = 0;         // of the order
  Watch watch;
  size_t n_watched = 0;  // of the order
  bool enough = false;

  // By place.
  std::vector<const Question*> questions;
  std::vector<ScoringRequest> requests;
  std::vector<std::optional<QuestionPlan>> plans_by_place;
  std::vector<std::optional<QuestionResult>> results;
  std::vector<bool> reused;

 private:
  // Of one call of score().
  std::vector<QuestionPlan> plans_;
  std::vector<size_t> places_;         // of the plans
  std::map<size_t, size_t> index_of_;  // a place's plan
  std::vector<size_t> asked_;          // plans, in the order in which they are asked for
  size_t at_ = 0;                      // of them
  std::deque<size_t> claimed_;         // and not handed out yet
  std::vector<size_t> theirs_;         // other processes are at them
  SteadyClock::time_point looked_, claimed_at_;
  size_t at_once_ = 4;  // questions that are claimed together
  int64_t n_done_ = 0;
  double positions_done_ = 0;
};

Evaluation::Evaluation(const Dataset& dataset, Scorer& scorer, const EvalOptions& options, ProgressListener& progress,
                       std::stop_token stop)
    : state_(std::make_unique<State>(dataset, scorer, options, progress, std::move(stop))) {}
Evaluation::~Evaluation() = default;
Evaluation::Evaluation(Evaluation&&) noexcept = default;

Status Evaluation::begin(const Keeping& keeping, std::vector<size_t> order, const std::optional<EarlyStop>& early) {
  State& state = *state_;
  if (auto ok = state.select(); !ok) return ok;
  state.run.early_stop = early;
  state.recheck_share = keeping.recheck;
  state.checks_order = keeping.check_order;
  state.by_length = order.empty() && state.scorer.wants_longest_first();
  state.order = order.empty() ? interleave_topics(state.dataset, state.selected) : std::move(order);
  auto keeper = Keeper::open(keeping, state.run, state.progress);
  if (!keeper) return forward(keeper);
  state.keeper.emplace(std::move(*keeper));
  return {};
}

Status Evaluation::advance(size_t n, const Watch& watch) {
  State& state = *state_;
  n = std::min(n, state.order.size());
  const std::vector<size_t> wanted(state.order.begin() + static_cast<ptrdiff_t>(state.n_advanced),
                                   state.order.begin() + static_cast<ptrdiff_t>(n));
  std::vector<size_t> places = wanted;
  std::sort(places.begin(), places.end());  // errors come in the order of the questions
  const bool first = std::exchange(state.n_advanced, n) == 0;
  state.watch = watch;
  auto found = state.reuse_and_plan(places);
  if (!found) return forward(found);
  if (first) state.keeper->explain();
  if (auto ok = state.recheck(std::move(*found)); !ok) return ok;
  state.score(wanted);
  return {};
}

size_t Evaluation::size() const { return state_->order.size(); }

const QuestionResult* Evaluation::result(size_t nth) const {
  const auto& result = state_->results[state_->order[nth]];
  return result ? &*result : nullptr;
}

bool Evaluation::sound() const { return !state_->run.failure && !state_->stop.stop_requested(); }

Run Evaluation::finish(size_t n, const std::optional<EarlyStop>& early) {
  State& state = *state_;
  if (auto ok = state.check_order(); !ok) {
    for (size_t place = 0; place < state.results.size(); ++place) {
      if (state.results[place]) state.keeper->forget(place);
      state.results[place].reset();
    }
    state.run.failure = ok.error();
    state.keeper->finish({});
    return std::move(state.run);
  }
  std::vector<size_t> surplus;
  for (size_t nth = n; nth < state.order.size(); ++nth) {
    const size_t place = state.order[nth];
    if (!state.results[place]) continue;
    surplus.push_back(place);
    state.results[place].reset();
  }
  note_problems(state.results, state.run.model.name, state.progress);
  for (size_t place = 0; place < state.results.size(); ++place) {
    if (!state.results[place]) continue;
    state.run.times.reused += state.reused[place] ? 1 : 0;
    state.run.questions.push_back(std::move(*state.results[place]));
  }
  if (early) state.run.early_stop = early;
  state.keeper->finish(surplus);
  return std::move(state.run);
}

Result<Run> evaluate(const Dataset& dataset, Scorer& scorer, const EvalOptions& options, ProgressListener& progress,
                     std::stop_token stop, const Keeping& keeping) {
  Evaluation evaluation(dataset, scorer, options, progress, std::move(stop));
  if (auto ok = evaluation.begin(keeping); !ok) return forward(ok);
  if (auto ok = evaluation.advance(evaluation.size()); !ok) return forward(ok);
  return evaluation.finish(evaluation.size());
}

}  // namespace hre
