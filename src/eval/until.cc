#include "eval/until.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "eval/schedule.h"
#include "stats/stopping.h"

namespace hre {
namespace {

constexpr size_t kSmallestSlice = 8;

/// One stage for all slices.
class SlicesProgress final : public ProgressListener {
 public:
  SlicesProgress(ProgressListener& outer, int64_t total) : outer_(outer) {
    outer_.begin("scoring", total, "questions", 0);
  }
  ~SlicesProgress() override { outer_.end(); }
  void begin(const std::string&, int64_t, const std::string&, double) override {}
  void advance(int64_t, double) override {}
  void end() override {}
  void note(const std::string& message) override { outer_.note(message); }
  void done(int64_t questions) { outer_.advance(questions, static_cast<double>(questions)); }

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

/// The questions of one slice as a dataset of its own, in the order of work.
Dataset slice_of(const Dataset& dataset, const Order& order, size_t begin, size_t end) {
  Dataset slice{dataset.name, dataset.source, dataset.fingerprint, {}};
  for (size_t i = begin; i < end; ++i) slice.questions.push_back(dataset.questions[order.selected[order.work[i]]]);
  return slice;
}

/// What is done of one model.
struct Part {
  Run run;
  std::vector<std::optional<QuestionResult>> results;  ///< by place in the selection
};

/// Results by id; within a slice ids are those of the dataset.
void take_results(Run slice, const Dataset& dataset, const Order& order, size_t begin, size_t end, Part& part) {
  std::map<std::pair<std::string, std::string>, size_t> place;
  for (size_t i = begin; i < end; ++i) {
    const Question& question = dataset.questions[order.selected[order.work[i]]];
    place[{question.topic, question.id}] = order.work[i];
  }
  for (QuestionResult& question : slice.questions) {
    const size_t at = place.at({question.topic, question.id});
    part.results[at] = std::move(question);
  }
  const RunTimes before = part.run.times, now = slice.times;
  const std::string created = part.run.created.empty() ? slice.created : part.run.created;
  part.run = std::move(slice);
  part.run.created = created;
  part.run.times = {before.plan_seconds + now.plan_seconds, before.score_seconds + now.score_seconds,
                    before.positions + now.positions, before.positions_unshared + now.positions_unshared};
  part.run.times.keep_seconds = before.keep_seconds + now.keep_seconds;
}

/// The value that the rule sees of a question; nothing where it has none, or is not done.
std::optional<double> seen_value(const std::vector<Part>& parts, size_t place, const Metric& metric) {
  std::optional<double> value;
  for (const Part& part : parts) {
    if (!part.results[place]) return std::nullopt;
    const std::optional<double> next = part.results[place]->metrics.*metric.of_question;
    if (!next) return std::nullopt;
    value = value ? *value - *next : *next;
  }
  return value;
}

StoppingRule rule_of(const UntilOptions& until) {
  const Interval range = until.metric->range;
  if (until.width) return StoppingRule::narrow(range, *until.width);
  return StoppingRule::decided({-range.width(), range.width()});
}

void finish(const Dataset& dataset, const Order& order, const EvalOptions& options, const EarlyStop& stop, Part& part) {
  part.run.questions.clear();
  for (auto& result : part.results) {
    if (result) part.run.questions.push_back(std::move(*result));
  }
  part.run.options = options;
  part.run.dataset_questions = static_cast<int64_t>(dataset.questions.size());
  part.run.planned = static_cast<int64_t>(order.selected.size());
  part.run.early_stop = stop;
}

Status check(std::span<Scorer* const> scorers, const EvalOptions& options, const UntilOptions& until) {
  if (scorers.size() != (until.width ? 1 : 2)) {
    return input_error(until.width ? "a width is of one model's value" : "two models are decided between", "--until");
  }
  if (!options.shuffle) {
    return input_error("questions in the dataset's own order may not be a sample of them all", "--until",
                       "leave out --no-shuffle");
  }
  return {};
}

}  // namespace

Result<std::vector<Run>> evaluate_until(const Dataset& dataset, std::span<Scorer* const> scorers,
                                        const EvalOptions& options, const UntilOptions& until,
                                        ProgressListener& progress, std::stop_token stop) {
  if (auto ok = check(scorers, options, until); !ok) return forward(ok);
  auto order = order_work(dataset, options, until.seed);
  if (!order) return forward(order);
  EvalOptions slice_options = options;
  slice_options.topics.clear();
  slice_options.limit.reset();
  slice_options.shuffle = false;

  std::vector<Part> parts(scorers.size());
  for (Part& part : parts) part.results.resize(order->selected.size());
  StoppingRule rule = rule_of(until);
  SlicesProgress slices(progress, static_cast<int64_t>(order->work.size()));
  bool broken = false;
  for (size_t begin = 0, end = 0; begin < order->work.size() && !rule.reached() && !broken; begin = end) {
    end = std::min(order->work.size(), begin + std::max(kSmallestSlice, begin / 20));
    const Dataset slice = slice_of(dataset, *order, begin, end);
    for (size_t i = 0; i < scorers.size() && !broken; ++i) {
      auto run = evaluate(slice, *scorers[i], slice_options, slices, stop);
      if (!run && begin == 0) return forward(run);
      broken = !run || run->partial() || run->failure;
      if (run) {
        take_results(std::move(*run), dataset, *order, begin, end, parts[i]);
      } else {
        parts[i].run.failure = run.error();
      }
    }
    for (size_t i = begin; i < std::min(end, order->turns) && !broken; ++i) {
      if (const auto value = seen_value(parts, order->work[i], *until.metric)) rule.add(*value);
    }
    slices.done(static_cast<int64_t>(end));
  }

  const std::string name = until.width ? fmt::format("width={}", *until.width) : "decided";
  const EarlyStop early{name,           until.metric->name,  until.seed,
                        rule.reached(), rule.interval().low, rule.interval().high};
  std::vector<Run> runs;
  for (Part& part : parts) {
    finish(dataset, *order, options, early, part);
    runs.push_back(std::move(part.run));
  }
  return runs;
}

}  // namespace hre
