#include "eval/until.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "analysis/comparison.h"
#include "analysis/shared_questions.h"
#include "eval/evaluation.h"
#include "eval/schedule.h"
#include "stats/stopping.h"

namespace hre {
namespace {

/// Questions between two looks. Of one model the rule looks at each question as it comes, and kAtOnce are tokenised at
/// once; two models are scored alternately, and the rule looks when both have kBetweenLooks more. Both grow with what
/// is done.
constexpr size_t kAtOnce = 64, kBetweenLooks = 8;

/// One stage for everything between the looks.
class OneStage final : public ProgressListener {
 public:
  OneStage(ProgressListener& outer, int64_t total) : outer_(outer) { outer_.begin("scoring", total, "questions", 0); }
  ~OneStage() override { outer_.end(); }
  void begin(const std::string&, int64_t, const std::string&, double) override {}
  void advance(int64_t, double) override {}
  void end() override {}
  void note(const std::string& message) override { outer_.note(message); }
  void done(size_t questions) { outer_.advance(static_cast<int64_t>(questions), static_cast<double>(questions)); }

 private:
  ProgressListener& outer_;
};

/// The order of work: random turns of topics, and what is left when these end.
struct Order {
  std::vector<size_t> selected;  ///< into the dataset
  std::vector<size_t> work;      ///< into selected
  size_t turns = 0;              ///< of work, at its front: what the stopping rule sees
};

Result<Order> order_work(const Dataset& dataset, const EvalOptions& options, uint64_t seed) {
  auto selected = select_questions(dataset, options);
  if (!selected) return forward(selected);
  Order order{std::move(*selected), {}, 0};
  std::vector<size_t> sizes;
  std::string topic;
  for (const size_t i : order.selected) {
    if (sizes.empty() || dataset.questions[i].topic != topic) sizes.push_back(0);
    topic = dataset.questions[i].topic;
    ++sizes.back();
  }
  order.work = random_turns(sizes, seed);
  order.turns = order.work.size();
  std::vector<bool> taken(order.selected.size());
  for (const size_t place : order.work) taken[place] = true;
  for (const size_t place : interleave_topics(dataset, order.selected)) {
    if (!taken[place]) order.work.push_back(place);
  }
  return order;
}

/// The baseline's questions by topic and id; empty without a gate.
using Known = std::map<std::pair<std::string, std::string>, const QuestionResult*>;

Known known_to(const UntilOptions& until) {
  Known known;
  if (!until.gate) return known;
  for (const QuestionResult& question : until.gate->baseline->questions)
    known[{question.topic, question.id}] = &question;
  return known;
}

/// The value that the rule sees of a question, of all its results: the one there is, or the difference of two. Nothing
/// where one has none.
std::optional<double> seen_value(std::span<const QuestionResult* const> results, const Metric& metric,
                                 UndefinedPolicy undefined) {
  std::optional<double> value;
  for (const QuestionResult* result : results) {
    const std::optional<double> next =
        results.size() == 1 ? result->metrics.*metric.of_question : value_under(undefined, *result, metric, {});
    if (!next) return std::nullopt;
    value = value ? *value - *next : *next;
  }
  return value;
}

StoppingRule rule_of(const UntilOptions& until) {
  const Interval range = *until.metric->range;
  if (until.width) return StoppingRule::narrow(range, *until.width);
  const Interval differences{-range.width(), range.width()};
  if (until.gate) return StoppingRule::decided(differences, -until.gate->margin, until.gate->alpha);
  return StoppingRule::decided(differences);
}

Status check(std::span<Scorer* const> scorers, const EvalOptions& options, const UntilOptions& until) {
  if (!until.metric->range) return unbounded_error(*until.metric);
  if (scorers.size() != (until.width || until.gate ? 1 : 2)) {
    return input_error(until.width  ? "a width is of one model's value"
                       : until.gate ? "a gate is for one model"
                                    : "two models are decided between",
                       "‹until›");
  }
  if (!options.shuffle) {
    return input_error("questions in the dataset's own order may not be a sample of them all", "‹until›",
                       "leave out ‹no_shuffle›");
  }
  return {};
}

/// What is known before the first question; differences found after the last one would come hours too late.
Status check_baseline(const Dataset& dataset, const Scorer& scorer, const EvalOptions& options, const UntilGate& gate) {
  Run run;
  run.model = scorer.describe();
  run.options = options;
  run.dataset_name = dataset.name;
  run.dataset_fingerprint = dataset.fingerprint;
  const Run* const both[] = {&run, gate.baseline};
  std::vector<RunDifference> differences = run_differences(both);
  if (gate.undefined) std::erase_if(differences, [](const RunDifference& d) { return d.what == "undefined"; });
  if (!differences.empty()) {
    return input_error("the runs have different configurations: " + differences_line(differences),
                       gate.baseline->model.name, "evaluate the baseline in the same way");
  }
  if (!gate.baseline->partial()) return {};
  return input_error("the baseline is partial", gate.baseline->model.name, "its evaluation goes on where it stopped");
}

std::string name_of(const UntilOptions& until) {
  if (until.width) return fmt::format("width={}", *until.width);
  if (!until.gate) return "decided";
  return fmt::format("margin={} against {}", until.gate->margin, until.gate->baseline->model.name);
}

}  // namespace

Result<std::vector<Run>> evaluate_until(const Dataset& dataset, std::span<Scorer* const> scorers,
                                        const EvalOptions& options, const UntilOptions& until,
                                        ProgressListener& progress, std::stop_token stop, const Keeping& keeping) {
  if (auto ok = check(scorers, options, until); !ok) return forward(ok);
  if (until.gate) {
    if (auto ok = check_baseline(dataset, *scorers[0], options, *until.gate); !ok) return forward(ok);
  }
  auto order = order_work(dataset, options, until.seed);
  if (!order) return forward(order);
  const EarlyStop asked{name_of(until), until.metric->name, until.seed, false, {}, {}};
  OneStage stage(progress, static_cast<int64_t>(order->work.size()));
  std::vector<Evaluation> evaluations;
  for (Scorer* scorer : scorers) {
    Evaluation& evaluation = evaluations.emplace_back(dataset, *scorer, options, stage, stop);
    if (auto ok = evaluation.begin(keeping, order->work, asked); !ok) return forward(ok);
  }

  StoppingRule rule = rule_of(until);
  const Known known = known_to(until);
  const UndefinedPolicy undefined =
      until.gate ? until.gate->undefined.value_or(options.undefined) : UndefinedPolicy::kLeaveOut;
  size_t n_seen = 0;  // in the order of work: these are the runs
  const auto see = [&](size_t nth) {
    std::vector<const QuestionResult*> results;
    for (const Evaluation& evaluation : evaluations) results.push_back(evaluation.result(nth));
    if (until.gate) {
      const auto found = known.find({results[0]->topic, results[0]->id});
      if (found != known.end() && same_answers(*results[0], *found->second)) results.push_back(found->second);
    }
    if (nth < order->turns && results.size() == (until.width ? 1 : 2)) {
      if (const auto value = seen_value(results, *until.metric, undefined)) rule.add(*value);
    }
    n_seen = nth + 1;
    return !rule.reached();
  };
  const Evaluation::Watch watch = [&](size_t nth, const QuestionResult&) {
    stage.done(nth + 1);
    return see(nth);
  };
  bool sound = true;
  for (size_t end = 0; end < order->work.size() && !rule.reached() && sound;) {
    const size_t begin = end;
    end = std::min(order->work.size(),
                   begin + (evaluations.size() == 1 ? std::max(kAtOnce, begin) : std::max(kBetweenLooks, begin / 20)));
    for (Evaluation& evaluation : evaluations) {
      auto ok = evaluation.advance(end, evaluations.size() == 1 ? watch : Evaluation::Watch());
      if (!ok && (begin == 0 || ok.error().code != ErrorCode::kInterrupted)) return forward(ok);
      sound = sound && ok && evaluation.sound();
      if (!sound) break;
    }
    if (evaluations.size() == 1 || !sound) continue;
    for (size_t nth = begin; nth < end && see(nth); ++nth) {
    }
    stage.done(end);
  }

  EarlyStop reached = asked;
  reached.reached = rule.reached();
  reached.low = rule.interval().low;
  reached.high = rule.interval().high;
  std::vector<Run> runs;
  for (Evaluation& evaluation : evaluations) {
    runs.push_back(evaluation.finish(rule.reached() ? n_seen : order->work.size(), reached));
  }
  return runs;
}

}  // namespace hre
