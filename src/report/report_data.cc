#include "report/report_data.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <set>

#include "analysis/confounds.h"
#include "analysis/notes.h"
#include "analysis/scores.h"
#include "analysis/side_by_side.h"
#include "core/visible.h"

namespace hre {
namespace {

using Key = std::pair<std::string, std::string>;  // topic and id: ids differ within a topic

std::vector<std::string> distinct_labels(const std::vector<Run>& runs) {
  std::map<std::string, int> times;
  for (const Run& run : runs) ++times[run.model.name];
  std::vector<std::string> labels;
  std::set<std::string> taken;
  for (const Run& run : runs) {
    std::string label = run.model.name;
    if (times[label] > 1 && !run.model.file_type.empty()) label += " " + run.model.file_type;
    const std::string base = label;
    for (int i = 2; !taken.insert(label).second; ++i) label = fmt::format("{} ({})", base, i);
    labels.push_back(label);
  }
  return labels;
}

Status same_dataset(const std::vector<Run>& runs) {
  for (const Run& run : runs) {
    if (run.dataset_fingerprint == runs.front().dataset_fingerprint) continue;
    return input_error(
        fmt::format("{} is on dataset {} ({}), {} on {} ({})", runs.front().model.name, runs.front().dataset_name,
                    runs.front().dataset_fingerprint, run.model.name, run.dataset_name, run.dataset_fingerprint),
        "", "all runs of a report must be on one dataset: make one report per dataset");
  }
  return {};
}

std::vector<QuestionRow> rows_of(const ReportData& data) {
  std::map<Key, QuestionRow> rows;
  for (size_t i = 0; i < data.runs.size(); ++i) {
    for (const QuestionResult& question : data.runs[i].questions) {
      QuestionRow& row = rows[{question.topic, question.id}];
      row.by_run.resize(data.runs.size());
      row.reference.resize(data.runs.size());
      row.by_run[i] = &question;
    }
  }
  for (size_t i = 0; i < data.runs.size(); ++i) {
    if (!data.references[i] || !has_token_texts(*data.references[i])) continue;
    for (const QuestionResult& question : data.references[i]->questions) {
      const auto row = rows.find({question.topic, question.id});
      if (row != rows.end()) row->second.reference[i] = &question;
    }
  }
  std::map<Key, const Question*> texts;
  if (data.dataset) {
    for (const Question& question : data.dataset->questions) texts[{question.topic, question.id}] = &question;
  }
  std::vector<QuestionRow> ordered;
  for (auto& [key, row] : rows) {
    const auto text = texts.find(key);
    ordered.push_back({key.second, key.first, text == texts.end() ? nullptr : text->second, std::move(row.by_run),
                       std::move(row.reference)});
  }
  return ordered;
}

bool has_means_alone(const ReportData& data, size_t run) {
  return data.runs[run].questions.empty() && data.summaries[run].questions > 0;
}

std::vector<std::string> topics_of(const ReportData& data) {
  std::set<std::string> topics;
  for (const QuestionRow& row : data.rows) topics.insert(row.topic);
  for (const Summary& summary : data.summaries) {
    for (const TopicSummary& topic : summary.topics) topics.insert(topic.topic);
  }
  return {topics.begin(), topics.end()};
}

/// Where a partial run and a whole one, or different selections, stand side by side, their means are of different
/// questions.
void add_caveats(ReportData& data) {
  std::vector<int64_t> done;
  for (const Summary& summary : data.summaries) done.push_back(summary.questions);
  data.caveats = notes_of(pointers_to(data.runs), done);
  int64_t n_means = 0;
  for (size_t i = 0; i < data.runs.size(); ++i) n_means += has_means_alone(data, i) ? 1 : 0;
  constexpr int64_t kNamed = 3;
  const bool several_means = n_means > kNamed;
  if (several_means) {
    data.caveats.push_back(fmt::format(
        "{} of {} runs are here without their questions, so only their means are shown, and they take part in no "
        "comparison.",
        n_means, data.runs.size()));
  }
  for (size_t i = 0; i < data.runs.size(); ++i) {
    const Run& run = data.runs[i];
    if (has_means_alone(data, i) && several_means) continue;
    if (has_means_alone(data, i)) {
      data.caveats.push_back(fmt::format(
          "{} was written without its questions, so only its means are shown, and it takes part in no comparison.",
          data.labels[i]));
    } else if (run.questions.size() != data.rows.size()) {
      data.caveats.push_back(fmt::format("{} has {} of the {} questions shown, so its means are over other questions.",
                                         data.labels[i], run.questions.size(), data.rows.size()));
    }
  }
  if (data.comparison) {
    if (!data.comparison->differences.empty()) {
      data.caveats.push_back(differences_note(data.comparison->differences));
    }
    if (data.comparison->shared < static_cast<int64_t>(data.rows.size())) {
      data.caveats.push_back(fmt::format("Comparisons are over the {} of {} questions that all compared runs share.",
                                         data.comparison->shared, data.rows.size()));
    }
  }
  if (!data.dataset && !data.rows.empty() && !data.of_logs)
    data.caveats.emplace_back("The dataset could not be read, so the questions' texts are missing.");
}

/// The runs whose models are checkpoints of a training.
std::vector<TrainingPoint> training_points(const ReportData& data) {
  std::vector<TrainingPoint> points;
  for (size_t i = 0; i < data.runs.size(); ++i) {
    const auto step = training_step(data.runs[i].model);
    if (!step) continue;
    points.push_back({step->training, step->step, i, data.value(data.summaries[i].micro).mean,
                      values_by_question(data.runs[i], data.metrics.front())});
  }
  return points;
}

bool any_answer(const Run& run, bool (*is_so)(const AnswerResult&)) {
  return std::ranges::any_of(
      run.questions, [&](const QuestionResult& question) { return std::ranges::any_of(question.answers, is_so); });
}

}  // namespace

bool has_token_texts(const Run& run) {
  return any_answer(run, [](const AnswerResult& answer) { return !answer.token_texts.ends.empty(); });
}

std::optional<std::string> token_advice(const Run& run) {
  const bool has_tokens = any_answer(run, [](const AnswerResult& answer) { return answer.n_tokens > 0; });
  if (!has_tokens || has_token_texts(run)) return std::nullopt;
  const bool has_values = any_answer(
      run, [](const AnswerResult& answer) { return answer.n_tokens > 0 && !answer.token_log_probs.empty(); });
  const char* how = run.model.architecture == "served"
                        ? "keeps them, if the server tells them or ,tokenizer=FILE.gguf does"
                    : has_values ? "adds them, and scores nothing again"
                                 : "keeps them";
  return fmt::format("{} were not kept, so they are not shaded; the same evaluation with ‹keep_tokens› {}",
                     has_values ? "the texts of its tokens" : "its tokens", how);
}

Result<ReportData> report_data(std::vector<Run> runs, std::optional<Dataset> dataset,
                               std::vector<std::optional<Summary>> means, const CompareOptions& options,
                               std::vector<std::shared_ptr<const Run>> references) {
  if (runs.empty()) return input_error("there is no run to report");
  if (auto metric = metric_for(pointers_to(runs), options.metric); !metric) return forward(metric);
  if (auto same = same_dataset(runs); !same) return forward(same);
  ReportData data;
  data.runs = std::move(runs);
  data.dataset = std::move(dataset);
  data.references = std::move(references);
  data.references.resize(data.runs.size());
  data.labels = distinct_labels(data.runs);
  data.of_logs = !data.runs.front().item_metric.empty();
  data.metrics = metrics_of(data.runs.front());
  data.value_name = data.of_logs ? visible_line(data.runs.front().item_metric) : "Pearson’s r";
  data.benchmark = benchmark_name(pointers_to(data.runs));
  data.title = data.benchmark + ": " + (data.labels.size() == 1 ? data.labels[0] : data.runs[0].dataset_name);
  auto values = put_side_by_side(data.runs, std::move(means), options);
  if (!values) return forward(values);
  data.summaries = std::move(values->summaries);
  data.clustered = std::move(values->clustered);
  data.comparison = std::move(values->comparison);
  data.compared = std::move(values->compared);
  data.rows = rows_of(data);
  data.topics = topics_of(data);
  data.trainings = find_trainings(training_points(data), data.metrics.front());
  add_caveats(data);
  data.caveats.insert(data.caveats.end(), values->caveats.begin(), values->caveats.end());
  if (const auto note = values->ceiling ? ceiling_note(*values->ceiling) : std::nullopt) data.caveats.push_back(*note);
  return data;
}

}  // namespace hre
