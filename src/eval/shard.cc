#include "eval/shard.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <numeric>

#include "core/text.h"
#include "eval/schedule.h"

namespace hre {
namespace {

/// The prompt is computed once, so a question costs what its text and its answers hold.
int64_t cost_of(const Question& question) {
  auto cost = static_cast<int64_t>(question.text.size());
  for (const Answer& answer : question.answers) cost += static_cast<int64_t>(answer.text.size());
  return cost;
}

std::string shard_name(const Run& run) { return fmt::format("shard {}/{}", run.shard->index, run.shard->count); }

/// What differs between two runs that must be of one evaluation; empty where nothing does.
std::string difference(const Run& a, const Run& b) {
  if (a.model.fingerprint != b.model.fingerprint || a.model.name != b.model.name) return "the models differ";
  if (a.model.settings != b.model.settings) {
    for (size_t i = 0; i < std::min(a.model.settings.size(), b.model.settings.size()); ++i) {
      const auto& [name, value] = a.model.settings[i];
      const auto& [other_name, other_value] = b.model.settings[i];
      if (name != other_name || value != other_value) {
        return fmt::format("{} is '{}' in one shard and '{}' in the other", name, value, other_value);
      }
    }
    return "their settings differ";
  }
  if (a.dataset_fingerprint != b.dataset_fingerprint) return "the datasets differ";
  const EvalOptions &x = a.options, &y = b.options;
  if (x.prompt != y.prompt) return "the prompts differ";
  if (x.topics != y.topics || x.limit != y.limit) return "their topics or limits differ";
  if (x.where != y.where) return "their ‹where› differs";
  if (x.shuffle != y.shuffle || (x.shuffle && x.shuffle_seed != y.shuffle_seed)) return "their shuffle seeds differ";
  if (x.undefined != y.undefined) return "their ‹undefined› differs";
  if (a.shard->selected != b.shard->selected) return "they select different questions";
  return "";
}

Status check_shards(const std::vector<Run>& shards) {
  if (shards.empty()) return input_error("no shards are given");
  for (const Run& run : shards) {
    if (!run.shard) {
      return input_error("the run is no shard: it was not made with ‹shard›",
                         run.model.name + " on " + run.dataset_name);
    }
  }
  const RunShard& first = *shards.front().shard;
  std::vector<int> seen(static_cast<size_t>(first.count) + 1);
  for (const Run& run : shards) {
    if (run.shard->count != first.count) {
      return input_error(
          fmt::format("{} and {} belong to different evaluations", shard_name(shards.front()), shard_name(run)));
    }
    if (const std::string what = difference(shards.front(), run); !what.empty()) {
      return input_error(
          fmt::format("{} and {} can't be merged: {}", shard_name(shards.front()), shard_name(run), what));
    }
    if (++seen[static_cast<size_t>(run.shard->index)] > 1) return input_error(shard_name(run) + " is given twice");
    if (run.partial()) {
      return input_error(
          fmt::format("{} is partial: {} of {} questions", shard_name(run), run.questions.size(), run.planned), "",
          "run the shard to its end");
    }
  }
  std::vector<std::string> missing;
  for (int i = 1; i <= first.count; ++i) {
    if (seen[static_cast<size_t>(i)] == 0) missing.push_back(std::to_string(i));
  }
  if (!missing.empty()) {
    return input_error(
        fmt::format("of {} shards, {} {} missing", first.count, join(missing), missing.size() == 1 ? "is" : "are"));
  }
  return {};
}

}  // namespace

std::vector<size_t> places_of_shard(const Dataset& dataset, const std::vector<size_t>& selected,
                                    const ShardChoice& shard) {
  std::vector<size_t> order(selected.size());
  std::iota(order.begin(), order.end(), size_t{0});
  std::vector<int64_t> costs;
  for (const size_t i : selected) costs.push_back(cost_of(dataset.questions[i]));
  std::stable_sort(order.begin(), order.end(), [&](size_t a, size_t b) { return costs[a] > costs[b]; });
  std::multimap<int64_t, int> loads;  // equal loads in the order they came to be: the same everywhere
  for (int i = 1; i <= shard.count; ++i) loads.emplace(0, i);
  std::vector<size_t> places;
  for (const size_t place : order) {
    const auto [load, index] = *loads.begin();
    loads.erase(loads.begin());
    loads.emplace(load + costs[place], index);
    if (index == shard.index) places.push_back(place);
  }
  std::sort(places.begin(), places.end());
  return places;
}

Result<RunShard> describe_shard(const Dataset& dataset, const EvalOptions& options,
                                const std::vector<QuestionResult>& questions) {
  EvalOptions whole = options;
  whole.shard.reset();
  auto selected = select_questions(dataset, whole);
  if (!selected) return forward(selected);
  std::map<std::pair<std::string, std::string>, int64_t> places;
  for (size_t i = 0; i < selected->size(); ++i) {
    const Question& question = dataset.questions[(*selected)[i]];
    places.emplace(std::pair(question.topic, question.id), static_cast<int64_t>(i));
  }
  RunShard shard{options.shard->index, options.shard->count, static_cast<int64_t>(selected->size()), {}};
  for (const QuestionResult& question : questions) shard.places.push_back(places.at({question.topic, question.id}));
  return shard;
}

Result<Run> merge_shards(std::vector<Run> shards) {
  if (auto ok = check_shards(shards); !ok) return forward(ok);
  const int64_t selected = shards.front().shard->selected;
  std::map<int64_t, QuestionResult> questions;
  Run merged = shards.front();
  merged.times = {};
  for (Run& run : shards) {
    if (run.shard->places.size() != run.questions.size()) {
      return input_error(shard_name(run) + " does not have as many questions as places");
    }
    for (size_t i = 0; i < run.questions.size(); ++i) {
      const int64_t place = run.shard->places[i];
      if (place < 0 || place >= selected) return input_error(shard_name(run) + " has a question out of range");
      if (!questions.emplace(place, std::move(run.questions[i])).second) {
        return input_error(fmt::format("{} holds questions that another shard also holds", shard_name(run)));
      }
    }
    merged.created = std::max(merged.created, run.created);
    merged.times.plan_seconds += run.times.plan_seconds;
    merged.times.score_seconds += run.times.score_seconds;
    merged.times.positions += run.times.positions;
    merged.times.positions_unshared += run.times.positions_unshared;
  }
  if (static_cast<int64_t>(questions.size()) != selected) {
    return input_error(fmt::format("of {} questions, {} are in no shard", selected,
                                   selected - static_cast<int64_t>(questions.size())));
  }
  merged.questions.clear();
  for (auto& [place, question] : questions) merged.questions.push_back(std::move(question));
  merged.planned = selected;
  merged.shard.reset();
  merged.options.shard.reset();
  return merged;
}

}  // namespace hre
