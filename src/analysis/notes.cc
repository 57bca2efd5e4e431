#include "analysis/notes.h"

#include <fmt/format.h>

#include <algorithm>
#include <limits>
#include <string>

#include "analysis/scores.h"

namespace hre {
namespace {

// The built-in dataset's fingerprint, which this folder can't compute; eval/sample_test.cc holds it to the dataset.
constexpr const char* kSample = "09c5b7687eb433cb5177d6ee8e716a6e";

}  // namespace

std::optional<std::string> invented_votes_note(const std::string& dataset_source, const std::string& fingerprint) {
  if (dataset_source != "sample" && fingerprint != kSample) return std::nullopt;
  return "The sample's votes are invented: values on it show how hre works, not how good a model is.";
}

std::vector<std::string> run_notes(const Run& run, int64_t done) {
  std::vector<std::string> notes;
  if (const auto note = invented_votes_note(run.dataset_source, run.dataset_fingerprint)) notes.push_back(*note);
  const bool stopped = run.early_stop && run.early_stop->reached;
  if (!run.item_metric.empty()) {
    notes.push_back("Values are " + run.item_metric + " of another harness's log, not HumanRankEval's.");
  }
  if (const std::string score = derived_score(run); !score.empty()) {
    notes.push_back("Scores are " + score + ", not the published sum_log_prob / n_chars.");
  }
  if (run.reference) {
    notes.push_back(run.reference->prompt == run.options.prompt
                        ? "The reference is " + run.reference->name + "."
                        : "The reference is " + run.reference->name +
                              " without the question: scores are the pointwise " +
                              "mutual information of question and answer.");
  }
  if (done < run.planned && !stopped) {
    notes.push_back("partial: " + std::to_string(done) + " of " + std::to_string(run.planned) +
                    " questions were finished.");
  }
  if (stopped) {
    notes.push_back("stopped early, at " + run.early_stop->rule + " after " + std::to_string(done) + " of " +
                    std::to_string(run.planned) + " questions: only the interval " +
                    fmt::format("[{:.2f}, {:.2f}]", run.early_stop->low.value_or(0), run.early_stop->high.value_or(0)) +
                    " is valid at every look; all other intervals and p-values assume a fixed number of questions.");
  }
  size_t fewest = std::numeric_limits<size_t>::max(), most = 0;
  for (const QuestionResult& question : run.questions) {
    if (question.answers.empty()) continue;
    fewest = std::min(fewest, question.answers.size());
    most = std::max(most, question.answers.size());
  }
  if (fewest < most) {
    notes.push_back("Questions have " + std::to_string(fewest) + " to " + std::to_string(most) +
                    " answers: a mean correlation depends on their number, pairwise accuracy does not.");
  }
  return notes;
}

std::vector<std::string> notes_of(std::span<const Run* const> runs, std::span<const int64_t> done) {
  std::vector<std::vector<std::string>> by_run;
  for (size_t i = 0; i < runs.size(); ++i) {
    by_run.push_back(run_notes(*runs[i], done.empty() ? static_cast<int64_t>(runs[i]->questions.size()) : done[i]));
  }
  std::vector<std::string> notes;
  for (size_t i = 0; i < runs.size(); ++i) {
    for (const std::string& note : by_run[i]) {
      const bool of_one = note.starts_with("partial") || note.starts_with("stopped");
      const std::string text = of_one ? runs[i]->model.name + ": " + note : note;
      if (std::ranges::find(notes, text) == notes.end()) notes.push_back(text);
    }
  }
  return notes;
}

}  // namespace hre
