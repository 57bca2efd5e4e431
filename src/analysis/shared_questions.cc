#include "analysis/shared_questions.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <set>

#include "analysis/scores.h"

namespace hre {
namespace {

using Key = std::pair<std::string, std::string>;  // topic, id

std::map<Key, const QuestionResult*> by_key(const Run& run) {
  std::map<Key, const QuestionResult*> found;
  for (const QuestionResult& question : run.questions) found.try_emplace({question.topic, question.id}, &question);
  return found;
}

// One common question, as each run has it.
using Row = std::vector<const QuestionResult*>;

/// The question as a run has it that could score it, and so knows its votes; as any has it where none could.
const QuestionResult& scored_one(const Row& row, const Metric& metric) {
  const auto found =
      std::ranges::find_if(row, [&](const QuestionResult* q) { return metric.chance_for(q->metrics).has_value(); });
  return found == row.end() ? *row.front() : **found;
}

/// `others`: the topic's mean chance, for a question that no run could score.
void add_row(const Row& row, const Metric& metric, UndefinedPolicy policy, std::optional<double> others,
             SharedQuestions& shared) {
  const auto chance = chance_of(scored_one(row, metric), metric, others);
  std::vector<double> values;
  for (size_t run = 0; run < row.size(); ++run) {
    const auto value = value_under(policy, *row[run], metric, chance);
    if (!(row[run]->metrics.*metric.of_question)) ++shared.undefined_in[run];
    if (value) values.push_back(*value);
  }
  if (values.size() < row.size()) {
    ++shared.undefined;
    return;
  }
  for (size_t run = 0; run < row.size(); ++run) {
    shared.values[run].push_back(values[run]);
    shared.questions[run].push_back(row[run]);
  }
  ++shared.sizes.back();
}

std::map<std::string, std::string> settings_of(const Run& run) {
  std::map<std::string, std::string> settings(run.model.settings.begin(), run.model.settings.end());
  settings["score"] = score_formula(run);
  return settings;
}

bool is_baseline(const Run& run) { return run.model.architecture == "baseline"; }

bool truncates(const Run& run) {
  return std::ranges::any_of(run.questions, [](const QuestionResult& question) {
    return !question.problem.empty() || std::ranges::any_of(question.answers, [](const AnswerResult& a) {
      return a.n_truncated > 0 || a.n_cut_chars > 0;
    });
  });
}

void add_if_different(std::string what, std::vector<std::string> values, std::vector<RunDifference>& differences) {
  std::set<std::string> stated(values.begin(), values.end());
  stated.erase("");  // a baseline
  if (stated.size() < 2) return;
  for (std::string& value : values) value = value.empty() ? "-" : value;
  differences.push_back({std::move(what), std::move(values)});
}

template <class Value>
std::vector<std::string> values_of(std::span<const Run* const> runs, Value value) {
  std::vector<std::string> values;
  for (const Run* run : runs) values.push_back(value(*run));
  return values;
}

void add_settings(std::span<const Run* const> runs, std::vector<RunDifference>& differences) {
  std::set<std::string> names;
  for (const Run* run : runs) {
    for (const auto& [name, value] : settings_of(*run)) names.insert(name);
  }
  if (std::ranges::none_of(runs, [](const Run* run) { return truncates(*run); })) names.erase("max_length");
  for (const std::string& name : names) {
    add_if_different(name,
                     values_of(runs,
                               [&](const Run& run) -> std::string {
                                 if (is_baseline(run)) return "";
                                 const auto settings = settings_of(run);
                                 const auto found = settings.find(name);
                                 return found == settings.end() || found->second.empty() ? "-" : found->second;
                               }),
                     differences);
  }
}

}  // namespace

bool same_answers(const QuestionResult& a, const QuestionResult& b) {
  if (a.answers.empty() || b.answers.empty()) return true;
  return std::ranges::equal(a.answers, b.answers, [](const AnswerResult& x, const AnswerResult& y) {
    return x.votes == y.votes && x.n_chars + x.n_cut_chars == y.n_chars + y.n_cut_chars;
  });
}

std::vector<const Run*> pointers_to(std::span<const Run> runs) {
  std::vector<const Run*> pointers;
  for (const Run& run : runs) pointers.push_back(&run);
  return pointers;
}

SharedQuestions share_questions(std::span<const Run* const> runs, const Metric& metric, UndefinedPolicy policy) {
  SharedQuestions shared;
  shared.values.resize(runs.size());
  shared.questions.resize(runs.size());
  shared.undefined_in.resize(runs.size());
  std::vector<std::map<Key, const QuestionResult*>> all;
  for (const Run* run : runs) all.push_back(by_key(*run));

  std::map<std::string, std::vector<Row>> common;
  std::set<Key> taken;
  if (!runs.empty()) {
    for (const QuestionResult& question : runs.front()->questions) {
      const Key key{question.topic, question.id};
      if (!std::ranges::all_of(all, [&](const auto& run) { return run.contains(key); })) continue;
      if (!taken.insert(key).second) continue;
      Row row;
      for (const auto& run : all) row.push_back(run.at(key));
      const bool same =
          std::ranges::all_of(row, [&](const QuestionResult* q) { return same_answers(*row.front(), *q); });
      if (same) common[question.topic].push_back(std::move(row));
      shared.different += same ? 0 : 1;
    }
  }
  for (const auto& run : all) shared.only_here.push_back(static_cast<int64_t>(run.size() - taken.size()));
  for (const auto& [topic, rows] : common) {
    shared.sizes.push_back(0);
    std::vector<const QuestionResult*> known;
    for (const Row& row : rows) known.push_back(&scored_one(row, metric));
    const std::optional<double> others = chance_level(known, metric);
    for (const Row& row : rows) add_row(row, metric, policy, others, shared);
    if (shared.sizes.back() == 0) {
      shared.sizes.pop_back();
    } else {
      shared.topics.push_back(topic);
    }
  }
  return shared;
}

std::vector<RunDifference> run_differences(std::span<const Run* const> runs) {
  std::vector<RunDifference> differences;
  const auto dataset_of = [](const Run& run) -> std::string {
    if (!run.item_metric.empty()) return "";  // of logs, the name is a file's: which items are shared says it all
    return run.dataset_name + ", content " + run.dataset_fingerprint.substr(0, 8);
  };
  add_if_different("dataset", values_of(runs, dataset_of), differences);
  add_if_different("prompt", values_of(runs, [](const Run& run) { return run.options.prompt; }), differences);
  add_if_different("undefined",
                   values_of(runs,
                             [](const Run& run) -> std::string {
                               return run.options.undefined == UndefinedPolicy::kZero ? "chance" : "left out";
                             }),
                   differences);
  add_if_different("reference",
                   values_of(runs,
                             [](const Run& run) {
                               return run.reference ? run.reference->name + ", " + run.reference->prompt
                                                    : std::string("none");
                             }),
                   differences);
  add_settings(runs, differences);
  return differences;
}

}  // namespace hre
