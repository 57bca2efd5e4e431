#include "eval/until.h"

#include <fmt/format.h>

#include <algorithm>

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

/// The value that the rule sees of a question; nothing where it has none.
std::optional<double> seen_value(const std::vector<Evaluation>& evaluations, size_t nth, const Metric& metric) {
  std::optional<double> value;
  for (const Evaluation& evaluation : evaluations) {
    const std::optional<double> next = evaluation.result(nth)->metrics.*metric.of_question;
    if (!next) return std::nullopt;
    value = value ? *value - *next : *next;
  }
  return value;
}

StoppingRule rule_of(const UntilOptions& until) {
  const Interval range = *until.metric->range;
  if (until.width) return StoppingRule::narrow(range, *until.width);
  return StoppingRule::decided({-range.width(), range.width()});
}

Status check(std::span<Scorer* const> scorers, const EvalOptions& options, const UntilOptions& until) {
  if (!until.metric->range) return unbounded_error(*until.metric);
  if (scorers.size() != (until.width ? 1 : 2)) {
    return input_error(until.width ? "a width is of one model's value" : "two models are decided between", "‹until›");
  }
  if (!options.shuffle) {
    return input_error("questions in the dataset's own order may not be a sample of them all", "‹until›",
                       "leave out ‹no_shuffle›");
  }
  return {};
}

std::string name_of(const UntilOptions& until) {
  return until.width ? fmt::format("width={}", *until.width) : "decided";
}

}  // namespace

Result<std::vector<Run>> evaluate_until(const Dataset& dataset, std::span<Scorer* const> scorers,
                                        const EvalOptions& options, const UntilOptions& until,
                                        ProgressListener& progress, std::stop_token stop, const Keeping& keeping) {
  if (auto ok = check(scorers, options, until); !ok) return forward(ok);
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
  size_t n_seen = 0;  // in the order of work: these are the runs
  const auto see = [&](size_t nth) {
    if (nth < order->turns) {
      if (const auto value = seen_value(evaluations, nth, *until.metric)) rule.add(*value);
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
